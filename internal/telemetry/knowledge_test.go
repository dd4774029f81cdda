package telemetry_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"kefu/internal/desk"
)

func TestTheLastSyncsAreCollected(t *testing.T) {
	at := func(unix int64) time.Time { return time.Unix(unix, 0) }
	syncs := []desk.Sync{
		{Source: "docs", Kind: desk.FromFiles, At: at(300), Due: at(400)},
		{Source: "by hand", Kind: desk.FromFiles, At: at(100)},
		{Source: "more", Kind: desk.FromFiles, At: at(200), Due: at(900)},
		{Source: "help", Kind: desk.FromWeb, At: at(500)},
	}
	var down error
	tel := newTelemetry(t, io.Discard)
	tel.CollectSyncs(func(context.Context) ([]desk.Sync, error) { return syncs, down })
	got := scrape(t, tel)
	const last, due = "kefu_kb_last_success_timestamp_seconds", "kefu_kb_sync_due_timestamp_seconds"
	if files, web := value(t, got, last, "source", "files"), value(t, got, last, "source", "web"); files != 100 || web != 500 {
		t.Errorf("last syncs = %v of files, %v of the web, want 100, the oldest, and 500", files, web)
	}
	if v := value(t, got, due, "source", "files"); v != 400 || len(got[due].Metric) != 1 {
		t.Errorf("due = %v of %d kinds, want 400, the first, of files alone", v, len(got[due].Metric))
	}
	down = errors.New("connection refused")
	if got := scrape(t, tel); got[last] != nil || got["kefu_kb_chunks"] == nil {
		t.Error("a database that is down must cost these series and no others")
	}
}
