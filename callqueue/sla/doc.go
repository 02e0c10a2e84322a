// Package sla says how long everybody waited: wait and hold of every queued call
// against its queue's target, and the service level with its formula. It is
// arithmetic over the journal's events and nothing else, so it can be rebuilt
// from them at any time.
//
// Offered counts queue entries, and an entry belongs to the window in which its
// wait began. Whatever the window, the outcomes and those who still wait add up
// to what was offered. Test calls are left out, and so are the tries to call
// somebody back, whose caller was offered once: what became of the requests is
// counted apart, by the original arrival.
package sla
