package sip

import "container/list"

// recent is a map of bounded size that forgets what was used longest ago. It
// is not safe for concurrent use.
type recent[K comparable, V any] struct {
	limit int
	order *list.List // of *recentEntry, the freshest at the front
	at    map[K]*list.Element
}

type recentEntry[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{limit: limit, order: list.New(), at: make(map[K]*list.Element)}
}

// find returns the value of key and makes it the freshest; nil when there is none.
func (r *recent[K, V]) find(key K) *V {
	e, ok := r.at[key]
	if !ok {
		return nil
	}
	r.order.MoveToFront(e)
	return &e.Value.(*recentEntry[K, V]).value
}

// make returns the value of key, a new zero one when there is none.
func (r *recent[K, V]) make(key K) *V {
	if v := r.find(key); v != nil {
		return v
	}
	if r.order.Len() >= r.limit {
		oldest := r.order.Back()
		delete(r.at, oldest.Value.(*recentEntry[K, V]).key)
		r.order.Remove(oldest)
	}
	entry := &recentEntry[K, V]{key: key}
	r.at[key] = r.order.PushFront(entry)
	return &entry.value
}

// drop forgets key.
func (r *recent[K, V]) drop(key K) {
	if e, ok := r.at[key]; ok {
		r.order.Remove(e)
		delete(r.at, key)
	}
}

func (r *recent[K, V]) len() int { return r.order.Len() }
