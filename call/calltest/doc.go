// Package calltest is the httptest of this repository: a fake switch whose
// callers and agents' phones are scripted by a test, an in-memory journal, and
// the contract suite that every real switch passes too.
//
// Everything runs on package time, so a whole shift fits into a synctest bubble.
// A fake process can be dropped (Switch.Drop) as kill -9 would: what it had begun
// does nothing any more, the legs stay up, and the next process adopts them.
package calltest
