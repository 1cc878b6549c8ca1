package edge

import (
	"io"
	"net"
	"sync"
	"time"
)

// crowded is what a connection is answered that finds no room.
const crowded = "HTTP/1.1 429 Too Many Requests\r\n" +
	"Connection: close\r\n" +
	"Content-Type: application/json\r\n" +
	"Retry-After: 1\r\n" +
	"Content-Length: 109\r\n\r\n" +
	`{"errors":[{"message":"Too Many Requests","long_message":"Too many connections","code":"too_many_requests"}]}`

// Listener shares a number of connections among the addresses that they come
// from. A connection costs some 20 KB whether a request comes on it or not, so
// the places of requests alone bound no memory.
type Listener struct {
	net.Listener // of TCP
	Places       *Pool
}

// Accept returns the next connection that there is room for. The others are
// answered 429, whatever they ask.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := conn.(*net.TCPConn)
		address, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		client := Neighbourhood(address)
		if l.Places.Take(client, 1) {
			return &place{c, sync.OnceFunc(func() { l.Places.Give(client, 1) })}, nil
		}
		go turnAway(c)
	}
}

// place is a connection that has room. It embeds the type and not the interface,
// for the methods besides, such as CloseWrite.
type place struct {
	*net.TCPConn
	leave func()
}

// Close implements [net.Conn].
func (p *place) Close() error {
	p.leave()
	return p.TCPConn.Close()
}

// turnAway answers the first thing that a client says, and reads what else it
// has sent: closing a connection with that unread would take back the answer.
func turnAway(c *net.TCPConn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(refusalPatience))
	if _, err := c.Read(make([]byte, 4<<10)); err != nil {
		return
	}
	_, _ = io.WriteString(c, crowded)
	_ = c.CloseWrite()
	_, _ = io.CopyN(io.Discard, c, 64<<10)
}
