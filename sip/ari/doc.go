// Package ari is the second front end: one or several Asterisk nodes, driven over
// ARI. The calls live in Asterisk; no audio enters this process, which may die and
// come back without a caller noticing.
//
// It promises what call.Leg and call.Switch say, and besides:
//
//   - All that is made at Asterisk has an id that follows from ours (names.go), so
//     that every verb can be repeated and whatever outlives us is found again. A
//     call's own id is derived from its channel (call.DerivedID).
//   - While a node is away verbs wait. Nothing is failed because of a short cut;
//     after Config.Patience the node's legs end as switch-gone.
//   - What the caller says of himself is cleaned before anybody sees it, and no text
//     from outside gets into an endpoint, a variable's name or a file's name.
//
// A node's events come in order on one goroutine (events.go); a verb is a request
// from the goroutine of the journey. After each connection the two are brought
// together by looking at what is really there (reconcile.go).
package ari
