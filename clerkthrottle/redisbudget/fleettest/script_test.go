//go:build unix

package fleettest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget/fleettest/model"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget/internal/protocol"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// The script does what the model does, call by call, whatever is reported and lost.
func FuzzScriptDoesWhatTheModelSays(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint8(200))
	}
	f.Fuzz(func(t *testing.T, seed uint64, calls uint8) {
		r := rand.New(rand.NewPCG(seed, 3))
		m, rdb := inMemory(t)
		script := redis.NewScript(protocol.Script)
		var store model.Store
		var sessions [model.Programs]protocol.Session
		var owned [model.Programs]int
		start := time.Unix(1_700_000_000, 0)
		now := 0 // in microseconds
		classes := func(most int) snapshot.Classes {
			return snapshot.Classes{Interactive: r.IntN(most), Normal: r.IntN(most), Batch: r.IntN(most)}
		}
		bound, n, window := 3_000_000, 1+r.IntN(40), 10_000_000
		for i := range int(calls) {
			now += r.IntN(400_000)
			switch r.IntN(60) {
			case 0:
				m.FlushAll()
				store = model.Store{}
			case 1:
				now += r.IntN(20_000_000) // all programs are silent
			case 2:
				now -= r.IntN(8_000_000) // the clock steps back
			case 3:
				if store.Limit.Known {
					m.Del("b:{x}:limit")
					store.Limit.Known, store.Limit.Epoch = false, ""
				}
			}
			now = max(now, 0)
			m.SetTime(start.Add(time.Duration(now) * time.Microsecond))
			p := r.IntN(model.Programs)
			s := &sessions[p]
			if r.IntN(30) == 0 {
				*s, owned[p] = protocol.Session{Seq: s.Seq}, 0 // another program with the same id
			}
			at := time.Duration(now) * time.Microsecond
			number := s.Next(at, time.Duration(bound)*time.Microsecond)
			c := model.Call{Program: p, Number: number, Ago: now - int(s.Sent/time.Microsecond), Bound: bound, Seed: fmt.Sprintf("e%d", i), Named: r.IntN(5) > 0}
			c.Told = model.Record{Owned: s.Owns(owned[p]), N: n, Window: window, Need: classes(n + 2)}
			if r.IntN(3) == 0 {
				c.Told.Need = snapshot.Classes{}
			}
			if seed%2 == 0 {
				c.Told.Reserve = snapshot.Classes{Normal: n / 4, Batch: n / 3}
			}
			if r.IntN(20) == 0 { // another version of the program
				c.Told.N, c.Told.Window = 1+r.IntN(40), 1_000_000*(1+r.IntN(20))
			}
			keys, args := []string{"b:{x}:budget", "b:{x}:blocks"}, []any{p, c.Epoch, c.Seq, c.Heard, c.Ago, bound, c.Seed, 0, 0}
			if c.Named {
				keys, args[8] = append(keys, "b:{x}:limit"), 1
				u := c.Told
				args = append(args, 0, u.Owned, u.N, u.Window, u.Need.Interactive, u.Need.Normal, u.Need.Batch, u.Reserve.Normal, u.Reserve.Batch)
			}
			want := store.Do(now, c)
			answer, err := script.Run(t.Context(), rdb, keys, args...).Slice()
			if err != nil {
				t.Fatal(err)
			}
			says := []any{want.Status}
			if want.Status != "stale" {
				says = append(says, want.Epoch, int64(want.Recovery))
			}
			if want.Status == "ok" && c.Named {
				sh := want.Share
				says = append(says, int64(sh.Owned), int64(sh.Part), int64(sh.Keep), int64(sh.Window), int64(sh.Reserve.Normal), int64(sh.Reserve.Batch))
			}
			if fmt.Sprint(answer) != fmt.Sprint(says) {
				t.Fatalf("seed %d, call %d, %+v\nthe script says %v\nthe model says  %v\n%+v", seed, i, c, answer, says, store)
			}
			if r.IntN(6) == 0 {
				continue // the answer is lost
			}
			switch want.Status {
			case "epoch":
				s.Enter(want.Epoch)
			case "ok":
				s.Answered(number, at)
				if c.Named {
					owned[p] = max(0, want.Share.Owned-r.IntN(3)) // some are given back
				}
			}
		}
	})
}
