package main

import (
	"crypto/sha256"
	"sync"
	"time"
)

// keyMemory is how long a secret key counts as in use after a request with it:
// as long as the throttle remembers it, and more.
const keyMemory = time.Minute

// keys bounds the secret keys in use. Each has buckets in the throttle, and a
// stranger can make up any number of keys. Past the bound a key that is not in
// use is turned away; those that are go on as if nothing had happened.
type keys struct {
	max int

	mu    sync.Mutex
	used  map[[sha256.Size]byte]time.Time // by hash, the last time
	swept time.Time
}

func newKeys(bound int) *keys {
	return &keys{max: bound, used: make(map[[sha256.Size]byte]time.Time)}
}

// admit reports whether a request with the key may come in.
func (k *keys) admit(key string, now time.Time) bool {
	id := sha256.Sum256([]byte(key))
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.used[id]; !ok && len(k.used) >= k.max {
		k.sweepLocked(now)
		if len(k.used) >= k.max {
			return false
		}
	}
	k.used[id] = now
	return true
}

// sweepLocked forgets keys that are out of use; at most once a second, since
// whoever makes keys up makes up many.
func (k *keys) sweepLocked(now time.Time) {
	if now.Sub(k.swept) < time.Second {
		return
	}
	k.swept = now
	for id, last := range k.used {
		if now.Sub(last) > keyMemory {
			delete(k.used, id)
		}
	}
}
