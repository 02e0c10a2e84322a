package config

import (
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/intake"
	"firstline/ivr/source"
)

// callback reads how a queue's callers are called back. Without the key they are
// all the same where one of the queue's exits says so.
func (r *centreReader) callback(v source.Value, q callqueue.Queue) {
	m := v.Map()
	rule := intake.CallbackRule{
		First:  call.CallbackOrder(m.May("first").OneOf(string(call.AgentFirst), string(call.AgentFirst), string(call.CustomerFirst))),
		Tries:  m.May("tries").Int(3, 1, 20),
		Every:  m.May("every").Duration(5*time.Minute, 10*time.Second, 24*time.Hour),
		Within: m.May("within").Duration(4*time.Hour, time.Minute, 7*24*time.Hour),
		Ring:   m.May("ring").Duration(30*time.Second, 5*time.Second, 2*time.Minute),
		Review: m.May("review").Bool(false),
	}
	m.End()
	if v.Set() || callsBack(q) {
		r.centre.Callbacks[q.ID] = rule
	}
}

func callsBack(q callqueue.Queue) bool {
	for _, x := range []*callqueue.Exit{q.Overflow, q.Timeout, q.Empty} {
		if x != nil && x.To.Kind == callqueue.ToCallback {
			return true
		}
	}
	for _, x := range q.Keys {
		if x.To.Kind == callqueue.ToCallback {
			return true
		}
	}
	return false
}

// voicemail reads how a queue's callers leave a message.
func (r *centreReader) voicemail(v source.Value, q call.QueueID) {
	m := v.Map()
	r.centre.Messages[q] = intake.MessageRule{
		Longest: m.May("longest").Duration(2*time.Minute, 10*time.Second, 10*time.Minute),
		Silence: m.May("silence").Duration(5*time.Second, 2*time.Second, 30*time.Second),
	}
	m.End()
}

// place reads whether who was cut off and calls again has the old place.
func (r *centreReader) place(v source.Value, q call.QueueID) {
	m := v.Map()
	if within := m.May("within").Duration(0, 10*time.Second, time.Hour); within > 0 {
		r.centre.Places[q] = intake.PlaceRule{Within: within}
	}
	m.End()
}
