// Package block keeps unwanted callers out: who is, why, on whose word, and until
// when. A block is for a number, for all numbers that begin alike, or for everybody
// who withholds theirs. Somebody proposes it and a supervisor approves it; only an
// agent's panic button keeps a caller out before, for a while, because who was cut
// off dials again at once. Every step is in the journal before it holds.
//
// A block holds from its first instant up to, and not including, its last: what
// counts is when a call came. It never meets our own phones, agents who take calls
// on a number, or an emergency service.
package block
