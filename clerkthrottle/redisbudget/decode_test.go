package redisbudget

import "testing"

// Any reply that is not the script's is an error, or a reply with usable shares.
func FuzzDecode(f *testing.F) {
	f.Add("ok", "e", int64(0), int64(5), int64(10_000_000), uint8(9), uint8(1))
	f.Add("epoch", "e", int64(3_000_000), int64(0), int64(0), uint8(3), uint8(2))
	f.Add("stale", "", int64(0), int64(0), int64(0), uint8(1), uint8(0))
	f.Fuzz(func(t *testing.T, status, epoch string, recovery, owned, window int64, length, limits uint8) {
		all := []any{status, epoch, recovery}
		for range 4 {
			all = append(all, owned, owned, owned, window, owned, owned)
		}
		all = append(all, "block", recovery, nil, 1.5)
		r, err := decode(all[:min(int(length), len(all))], int(limits))
		if err != nil {
			return
		}
		if r.status == statusOK && len(r.shares) != int(limits) {
			t.Errorf("%d shares of %d limits", len(r.shares), limits)
		}
		for _, s := range r.shares {
			if s.Owned < 0 || s.Window <= 0 {
				t.Errorf("%+v", s)
			}
		}
		if r.recovery < 0 || r.status != statusStale && r.epoch == "" {
			t.Errorf("%+v", r)
		}
	})
}
