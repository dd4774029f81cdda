package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"kefu/internal/desk"
)

const (
	// leaseFor is how long a load that gives no sign keeps its source, signEvery
	// how often it gives one.
	leaseFor  = 30 * time.Second
	signEvery = leaseFor / 5
	// vacateTimeout bounds the end of a lease.
	vacateTimeout = 2 * time.Second
)

// occupy makes this load the only one of its source until free is called. The
// context ends, with the reason as its cause, when the source goes to somebody
// else after all. The error has the code sync_running while another loads.
func (l *Loader) occupy(ctx context.Context, tenant desk.TenantID, source, author string) (held context.Context, lease string, free func(), err error) {
	host, _ := os.Hostname() // empty: nobody's processes are known to be gone
	mine := desk.SourceLease{ID: desk.NewLeaseID(), Author: author, Host: host, PID: os.Getpid()}
	holder, err := l.docs.Occupy(ctx, tenant, source, mine, leaseFor)
	if err == nil && holder.ID != mine.ID && dead(holder, host) {
		if err = l.docs.Vacate(ctx, tenant, source, holder.ID); err == nil {
			holder, err = l.docs.Occupy(ctx, tenant, source, mine, leaseFor)
		}
	}
	switch {
	case err != nil:
		return nil, "", nil, err
	case holder.ID != mine.ID:
		return nil, "", nil, running(source, holder)
	}
	held, lost := context.WithCancelCause(ctx)
	var signs sync.WaitGroup
	signs.Go(func() { l.sign(held, lost, tenant, source, mine.ID) })
	return held, mine.ID, func() {
		lost(nil)
		signs.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), vacateTimeout)
		defer cancel()
		_ = l.docs.Vacate(ctx, tenant, source, mine.ID) // else it ends by itself
	}, nil
}

// sign gives a sign until ctx ends. A sign that fails for another reason than
// the loss of the source is given again: the publish asks once more.
func (l *Loader) sign(ctx context.Context, lost context.CancelCauseFunc, tenant desk.TenantID, source, lease string) {
	tick := time.NewTicker(signEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := l.docs.Keep(ctx, tenant, source, lease, leaseFor)
		var said *desk.Error
		if errors.As(err, &said) && said.Code == "sync_lost" {
			lost(err)
			return
		}
	}
}

// dead tells whether the process that holds a lease is known to have ended.
func dead(holder desk.SourceLease, host string) bool {
	return host != "" && holder.Host == host && holder.PID != os.Getpid() && errors.Is(syscall.Kill(holder.PID, 0), syscall.ESRCH)
}

func running(source string, holder desk.SourceLease) error {
	return &desk.Error{
		Kind: desk.Conflict, Code: "sync_running", Field: "source", RetryAfter: time.Until(holder.Expires),
		Public: fmt.Sprintf("%s loads into the source %q since %s (process %d on %s); wait until that has ended. If the process is gone, load again after %s",
			or(holder.Author, "somebody"), source, holder.Since.Local().Format(time.TimeOnly), holder.PID, or(holder.Host, "an unknown host"), holder.Expires.Local().Format(time.TimeOnly)),
	}
}
