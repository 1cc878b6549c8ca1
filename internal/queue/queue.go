// Package queue is the line in which requests wait for one bucket: first in,
// first out, and a waiter who gives up leaves from wherever it stands in
// constant time, without a trace.
//
// The links are part of the waiter ([Node] is embedded in it), so that waiting
// costs no allocation of its own. Nothing here locks: the caller holds a lock
// around every call.
package queue

// Queue is a line of waiters. The zero value is empty and ready to use.
type Queue[T any] struct {
	head, tail *Node[T]
	n          int
}

// Node is a place in at most one queue. Value is the waiter that it stands for.
type Node[T any] struct {
	Value      T
	queue      *Queue[T]
	prev, next *Node[T]
}

// Len returns the number of waiters.
func (q *Queue[T]) Len() int { return q.n }

// Front returns the node that has waited longest, or nil.
func (q *Queue[T]) Front() *Node[T] { return q.head }

// Back returns the node that has waited shortest, or nil.
func (q *Queue[T]) Back() *Node[T] { return q.tail }

// Next returns the node behind n in its queue, or nil.
func (n *Node[T]) Next() *Node[T] { return n.next }

// Push puts n, which stands in no queue, at the end of the line.
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

// Remove takes n out of the queue that it stands in; it does nothing to a node
// that stands in none.
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
