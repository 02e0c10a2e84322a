// Package lost is the list of callers who left unserved and are owed a call. Each
// stands on it until exactly one thing is said of them: called back, called again
// and answered, resolved elsewhere, unreachable after so many tries, or declined.
// The goal is that nobody stands on it.
//
// A number has one open item at most: whoever phones again and is not answered is
// added to it, and it keeps the first arrival. Callers who withhold their number
// are never taken for one another. Every call that nobody answered is in exactly
// one item; what is decided is written in the same commit as the call's end.
//
// Whatever calls back goes through List.Try, a person as well as a machine: it
// reads Open (or follows the lost stream of the journal), places the call, and says
// how it went.
package lost
