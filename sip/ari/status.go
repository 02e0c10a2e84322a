package ari

import (
	"fmt"
	"time"
)

// NodeStatus is how a node is.
type NodeStatus struct {
	Name       string    `json:"name"`
	Up         bool      `json:"up"`
	Since      time.Time `json:"since,omitzero"`   // of the connection
	Fault      string    `json:"fault,omitempty"`  // why it is away
	Started    time.Time `json:"started,omitzero"` // of this Asterisk
	Draining   bool      `json:"draining,omitempty"`
	Calls      int       `json:"calls"` // incoming
	Legs       int       `json:"legs"`
	Bridges    int       `json:"bridges"`
	Recordings int       `json:"recordings"`
}

// usable says whether new calls can go there.
func (s NodeStatus) usable() bool { return s.Up && !s.Draining }

func (n *node) status() NodeStatus {
	up := n.isBack()
	n.mu.Lock()
	defer n.mu.Unlock()
	s := NodeStatus{
		Name: n.cfg.Name, Up: up, Since: n.since, Started: n.started, Draining: n.draining,
		Calls: n.calls, Legs: len(n.legs), Bridges: len(n.bridges), Recordings: len(n.recordings),
	}
	if n.lost != nil {
		s.Fault = n.lost.Error()
	}
	return s
}

// Nodes says how each node is, in the order of Config.Nodes.
func (f *FrontEnd) Nodes() []NodeStatus {
	all := make([]NodeStatus, 0, len(f.nodes))
	for _, n := range f.nodes {
		all = append(all, n.status())
	}
	return all
}

// Drain stops new calls at a node, or lets them in again; those under way go on.
// New calls there go back to the dialplan.
func (f *FrontEnd) Drain(name string, drain bool) error {
	for _, n := range f.nodes {
		if n.cfg.Name == name {
			n.mu.Lock()
			n.draining = drain
			n.mu.Unlock()
			return nil
		}
	}
	return fmt.Errorf("ari: there is no node %q", name)
}
