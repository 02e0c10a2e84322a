// Package call is the vocabulary of firstline: calls, legs, bridges, the switch
// that makes them, the causes that end them, and the events that tell their
// story. Every other package speaks these words; this one imports the standard
// library only.
//
// The seam between a front end (native SIP, Asterisk through ARI, the fake of
// calltest) and everything behind it is the pair Leg and Switch: verbs, not
// audio frames, because under ARI no audio enters the process. All ids are made
// here and are deterministic, so every verb can be repeated.
package call
