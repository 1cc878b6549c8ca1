// Package queue holds the requests that wait for one bucket: first in, first out,
// with higher classes before lower ones. A waiter that gives up leaves in constant
// time from any position.
//
// The links are part of the waiter ([Node] is embedded in it), so that waiting
// allocates nothing. Nothing here locks: the caller must hold a lock around every
// call.
package queue

// Queue is a FIFO list of waiters. The zero value is empty and ready to use.
type Queue[T any] struct {
	head, tail *Node[T]
	n          int
}

// Node is a place in at most one queue. Value is the waiter that holds it.
type Node[T any] struct {
	Value      T
	queue      *Queue[T]
	prev, next *Node[T]
}

// Len returns the number of waiters.
func (q *Queue[T]) Len() int { return q.n }

// Front returns the node that has waited longest, or nil.
func (q *Queue[T]) Front() *Node[T] { return q.head }

// Back returns the node that came last, or nil.
func (q *Queue[T]) Back() *Node[T] { return q.tail }

// Next returns the node behind n in its queue, or nil.
func (n *Node[T]) Next() *Node[T] { return n.next }

// Push appends n, which must not be in a queue.
func (q *Queue[T]) Push(n *Node[T]) {
	n.queue, n.prev = q, q.tail
	if q.tail == nil {
		q.head = n
	} else {
		q.tail.next = n
	}
	q.tail = n
	q.n++
}

// Remove takes n out of its queue. It does nothing if n is in none.
func (n *Node[T]) Remove() {
	q := n.queue
	if q == nil {
		return
	}
	if n.prev == nil {
		q.head = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		q.tail = n.prev
	} else {
		n.next.prev = n.prev
	}
	q.n--
	n.queue, n.prev, n.next = nil, nil, nil
}
