package child

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"runtime/metrics"
	"time"
)

// MaxMemory bounds what a process may take of memory, in bytes; beyond, it
// ends. A file of 20 MB of text takes 300 MB at its worst.
const MaxMemory = 512 << 20

// lookEvery is how often a process looks at its memory while it works.
const lookEvery = 20 * time.Millisecond

// Serve is the other end of a Pool: it answers the requests of in to out, one
// after another, until in or ctx ends. It is to be the last thing that a process
// does: what is under way then goes on without an owner. So whoever started the
// process need only go away, however they end.
func Serve[Request, Reply any](ctx context.Context, in io.Reader, out io.Writer, answer func(context.Context, Request) Reply) error {
	requests, ended, replies := make(chan Request), make(chan error, 1), make(chan Reply, 1)
	go func() {
		from := gob.NewDecoder(in)
		for {
			var r Request
			if err := from.Decode(&r); err != nil {
				ended <- err
				return
			}
			requests <- r
		}
	}()
	to := gob.NewEncoder(out)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case r := <-requests:
			look.Reset(lookEvery)
			go func() { replies <- answer(ctx, r) }()
		case r := <-replies:
			look.Stop()
			if err := to.Encode(r); err != nil {
				return err
			}
		case <-look.C:
			if Held() > MaxMemory {
				return fmt.Errorf("it takes more than %d MB of memory", MaxMemory>>20)
			}
		case err := <-ended:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// Held is the memory, in bytes, that this process has from the system.
func Held() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
