package main

import (
	"bytes"
	"io"
)

// lineCounter passes a file on and knows on which line every byte of it stands.
// It also guards against rows that never end.
type lineCounter struct {
	source io.Reader
	read   int64
	breaks []int64 // offsets of the line breaks read but not yet passed
	passed int     // line breaks that were passed
	row    int64   // offset at which the current row began
}

func (c *lineCounter) Read(p []byte) (int, error) {
	if c.read-c.row > maxRead {
		return 0, errRowTooLong
	}
	n, err := c.source.Read(p)
	for at := 0; ; at++ {
		i := bytes.IndexByte(p[at:n], '\n')
		if i < 0 {
			break
		}
		at += i
		c.breaks = append(c.breaks, c.read+int64(at))
	}
	c.read += int64(n)
	return n, err
}

// at returns the line on which the byte at an offset stands. Offsets do not go
// back.
func (c *lineCounter) at(offset int64) int {
	n := 0
	for n < len(c.breaks) && c.breaks[n] < offset {
		n++
	}
	c.passed += n
	c.breaks = c.breaks[:copy(c.breaks, c.breaks[n:])]
	return c.passed + 1
}

// startRow notes that a row begins at an offset.
func (c *lineCounter) startRow(offset int64) { c.row = offset }
