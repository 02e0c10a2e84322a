package ari

import (
	"slices"
	"strings"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// allDevices is the source of what Asterisk says of phones. That of endpoints would
// bring every event of every call that Asterisk has, ours a second time.
const allDevices = "deviceState:"

// deviceIs takes what Asterisk says of a device.
func (n *node) deviceIs(s *asterisk.DeviceState) {
	switch s.State {
	case "UNAVAILABLE", "INVALID", "UNKNOWN":
		n.phoneIs(s.Name, false)
	default: // idle, ringing, in use: it is there
		n.phoneIs(s.Name, true)
	}
}

// phoneIs keeps whether a phone can be reached, by its name at Asterisk
// ("PJSIP/desk1"), and tells what is new. Trunks are no phones, nor is the endpoint
// through which those are dialled that register elsewhere.
func (n *node) phoneIs(name string, up bool) {
	_, endpoint, _ := strings.Cut(name, "/")
	if slices.ContainsFunc(n.cfg.Trunks, func(t Trunk) bool { return t.endpoint() == endpoint }) || n.passes(endpoint) {
		return
	}
	t := parseTemplate(n.cfg.Dial)
	id, ok := t.read(name)
	if !ok || t.has != "device" { // they register elsewhere
		return
	}
	d := call.DeviceID(id)
	n.mu.Lock()
	was, known := n.phones[d]
	n.phones[d] = up
	n.mu.Unlock()
	if !known || was != up {
		n.front.reachable(d)
	}
}

// passes says whether an endpoint is the one of Node.Registered.
func (n *node) passes(endpoint string) bool {
	return n.cfg.Registered != "" && endpointIn(n.cfg.Registered) == endpoint
}

func (n *node) reviewPhones(all []asterisk.Endpoint) {
	for _, e := range all {
		n.phoneIs(e.Technology+"/"+e.Resource, e.State == "online")
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
