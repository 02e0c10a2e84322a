// Package traffic counts the calls that pass through the nodes of flows: how many are
// at each just now, and how many came to it, and hung up at it, today. It is a fold
// of the journal, so it can be made again from the events, and costs a call nothing:
// what it reads is the state that each node's entry leaves there anyway.
package traffic

import (
	"encoding/json"
	"maps"
	"time"

	"firstline/call"
	"firstline/ivr"
)

// The journey's names of the stages that it reads.
const (
	flowStage   = "flow"
	finishStage = "finish"
)

// Book counts. It is not safe for concurrent use.
type Book struct {
	zone   func() *time.Location
	day    time.Time // midnight at which the counts began
	calls  map[call.ID]*visit
	counts map[ivr.Place]ivr.Count // Entered and Left, of the day
}

// visit is an open call, and the node at which it is; none: it is in no flow.
type visit struct {
	at   ivr.Place
	test bool // of the desk's own, which counts nowhere
}

// New returns an empty book; zone is where the desk's day begins.
func New(zone func() *time.Location) *Book {
	return &Book{zone: zone, calls: make(map[call.ID]*visit), counts: make(map[ivr.Place]ivr.Count)}
}

// Apply folds the next event of the journal in.
func (b *Book) Apply(e call.Event) {
	if e.Stream.Kind != call.StreamCall {
		return
	}
	id := call.ID(e.Stream.ID)
	switch body := e.Body.(type) {
	case call.Arrived:
		b.calls[id] = &visit{test: body.Test}
	case call.StageEntered:
		b.entered(e.At, id, body)
	case call.Ended:
		b.ended(e.At, id, body)
	}
}

// entered moves a call to a node, or out of its flow. What ends a call is a stage as
// well, and leaves it where it was for the end to say.
func (b *Book) entered(at time.Time, id call.ID, stage call.StageEntered) {
	v := b.calls[id]
	if v == nil { // it came before what is read
		v = &visit{}
		b.calls[id] = v
	}
	switch stage.Stage {
	case finishStage:
		return
	case flowStage:
	default:
		v.at = ivr.Place{}
		return
	}
	var input struct {
		State struct {
			Flow string `json:"flow"`
			Node string `json:"node"`
		} `json:"state"`
	}
	if json.Unmarshal(stage.Input, &input) != nil || input.State.Node == "" {
		v.at = ivr.Place{} // it begins: the first node follows
		return
	}
	v.at = ivr.Place(input.State)
	b.count(at, v, ivr.Count{Entered: 1})
}

func (b *Book) ended(at time.Time, id call.ID, end call.Ended) {
	v := b.calls[id]
	delete(b.calls, id)
	if v == nil || end.Stage != flowStage {
		return
	}
	switch end.Cause.Reason {
	case call.Hangup, call.Cancelled, call.MediaLost:
		b.count(at, v, ivr.Count{Left: 1})
	}
}

// count adds to the day's figures of the node at which a call is.
func (b *Book) count(at time.Time, v *visit, more ivr.Count) {
	if v.test || v.at == (ivr.Place{}) {
		return
	}
	if b.turn(at); at.Before(b.day) { // written late, of the day before
		return
	}
	c := b.counts[v.at]
	c.Entered += more.Entered
	c.Left += more.Left
	b.counts[v.at] = c
}

// turn begins a new day when there is one.
func (b *Book) turn(now time.Time) {
	local := now.In(b.zone())
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, local.Location())
	if midnight.After(b.day) {
		b.day = midnight
		clear(b.counts)
	}
}

// Counts is the figures of all nodes that have any, as they are at an instant.
func (b *Book) Counts(now time.Time) map[ivr.Place]ivr.Count {
	b.turn(now)
	all := maps.Clone(b.counts)
	for _, v := range b.calls {
		if v.test || v.at == (ivr.Place{}) {
			continue
		}
		c := all[v.at]
		c.Now++
		all[v.at] = c
	}
	return all
}
