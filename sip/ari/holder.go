package ari

import "firstline/call"

// holder is the node that a call has legs on, the caller's before any other; nil
// when there is none.
func (f *FrontEnd) holder(id call.ID) *node {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.legs[id.CallerLeg()]; l != nil {
		return l.node
	}
	for _, l := range f.legs {
		if l.id.Call() == id {
			return l.node
		}
	}
	return nil
}

// Holds reports whether a call has a leg here.
func (f *FrontEnd) Holds(id call.ID) bool { return f.holder(id) != nil }

// Knows reports whether any node has a phone, registered or not.
func (f *FrontEnd) Knows(d call.DeviceID) bool {
	for _, n := range f.nodes {
		n.mu.Lock()
		_, ok := n.phones[d]
		n.mu.Unlock()
		if ok {
			return true
		}
	}
	return false
}
