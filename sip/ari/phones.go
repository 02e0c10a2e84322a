package ari

import (
	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// phoneIs takes what Asterisk says of an endpoint: "online" when it has a contact
// that answers, as far as that is asked.
func (n *node) phoneIs(e *asterisk.Endpoint) {
	d, ok := n.phone(e)
	if !ok {
		return
	}
	up := e.State == "online"
	n.mu.Lock()
	was, known := n.phones[d]
	n.phones[d] = up
	n.mu.Unlock()
	if !known || was != up {
		n.front.reachable(d)
	}
}

// phone is the device that an endpoint is; trunks are none.
func (n *node) phone(e *asterisk.Endpoint) (call.DeviceID, bool) {
	for _, t := range n.cfg.Trunks {
		if t.endpoint() == e.Resource {
			return "", false
		}
	}
	t := parseTemplate(n.cfg.Dial)
	if t.has != "device" {
		return "", false // they register elsewhere
	}
	d, ok := t.read(e.Technology + "/" + e.Resource)
	return call.DeviceID(d), ok
}

func (n *node) reviewPhones(all []asterisk.Endpoint) {
	for i := range all {
		n.phoneIs(&all[i])
	}
}

// reachable tells whether a phone can be reached at any node.
func (f *FrontEnd) reachable(d call.DeviceID) {
	f.cfg.OnReachable(d, f.Reachable(d))
}

// Reachable reports whether a phone is registered at any node, and answers where
// Asterisk asks it.
func (f *FrontEnd) Reachable(d call.DeviceID) bool {
	for _, n := range f.nodes {
		n.mu.Lock()
		up := n.phones[d]
		n.mu.Unlock()
		if up {
			return true
		}
	}
	return false
}
