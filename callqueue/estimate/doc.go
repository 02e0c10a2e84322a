// Package estimate says how long a caller will still wait, as a range and rounded
// up, or says why it cannot. It is the Erlang-A position delay over the agents
// who are staffed and eligible, from what handling and patience were of late; and
// it keeps what was said beside what came of it.
//
// It promises that a caller whose position, agents and handling times stay the
// same is never told more than before, however long the wait has been.
package estimate
