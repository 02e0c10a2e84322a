package callqueue

// heap is a binary heap whose items know their place, so that one can be taken
// out of the middle in logarithmic time.
type heap[T any] struct {
	items  []T
	before func(a, b T) bool
	place  func(T) *int // where the item keeps its place, -1 when it is not in the heap
}

func (h *heap[T]) len() int { return len(h.items) }

// head is the first item. The heap must not be empty.
func (h *heap[T]) head() T { return h.items[0] }

func (h *heap[T]) push(x T) {
	*h.place(x) = len(h.items)
	h.items = append(h.items, x)
	h.up(len(h.items) - 1)
}

// remove takes x out, if it is in.
func (h *heap[T]) remove(x T) {
	i := *h.place(x)
	if i < 0 {
		return
	}
	last := len(h.items) - 1
	h.swap(i, last)
	var zero T
	h.items[last] = zero
	h.items = h.items[:last]
	*h.place(x) = -1
	if i < last {
		h.down(i)
		h.up(i)
	}
}

func (h *heap[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.before(h.items[i], h.items[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *heap[T]) down(i int) {
	for {
		first := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.items); child++ {
			if h.before(h.items[child], h.items[first]) {
				first = child
			}
		}
		if first == i {
			return
		}
		h.swap(i, first)
		i = first
	}
}

func (h *heap[T]) swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.place(h.items[i]), *h.place(h.items[j]) = i, j
}
