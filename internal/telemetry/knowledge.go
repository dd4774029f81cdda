package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kefu/internal/desk"
)

var (
	ingestOutcomes = [...]string{"added", "updated", "unchanged", "removed", "failed"}
	ingestStages   = [...]string{"read", "extract", "embed", "store", "publish"}
)

// knowledgeMetrics are the series of the knowledge base and of what is loaded.
type knowledgeMetrics struct {
	documents, flagged, chunks, revision prometheus.Gauge
	ingested                             map[string]prometheus.Counter
	ingestSeconds                        map[string]prometheus.Observer
}

func newKnowledgeMetrics(f factory) *knowledgeMetrics {
	return &knowledgeMetrics{
		documents:     f.gauges("kefu_kb_documents", "Documents that this replica answers from.", "status").WithLabelValues("ready"),
		flagged:       f.gauges("kefu_kb_flagged_documents", "Of these documents, those in which the guard suspects a text that speaks to the assistant.").WithLabelValues(),
		chunks:        f.gauges("kefu_kb_chunks", "Chunks that this replica answers from.").WithLabelValues(),
		ingested:      counters(f.counters("kefu_kb_ingest_total", "Documents by what became of them when this process loaded them: at its first start and over the API. A command that loads counts in its own process, which nobody scrapes.", "result"), ingestOutcomes[:]),
		ingestSeconds: observers(f.histograms("kefu_kb_ingest_seconds", "Time of one stage of such a load: to read a document, to extract its text and cut it into chunks, to embed a batch of chunks, to store a group of documents, to publish a release.", latencyBuckets[:], "stage"), ingestStages[:]),
		revision:      f.gauges("kefu_kb_revision", "Revision of the knowledge base that this replica answers from.").WithLabelValues(),
	}
}

// Published records the knowledge base that this replica now answers from.
func (t *Telemetry) Published(docs, flagged, chunks int, rev desk.Revision) {
	m := t.metrics.kb
	m.documents.Set(float64(docs))
	m.flagged.Set(float64(flagged))
	m.chunks.Set(float64(chunks))
	m.revision.Set(float64(rev))
	t.feed.settle(desk.OpsEvent{Kind: desk.OpsPublish, Documents: docs, Chunks: chunks, Revision: rev})
}

// Ingested records documents with one outcome of being loaded.
func (t *Telemetry) Ingested(outcome string, documents int) {
	pick(t.metrics.kb.ingested, outcome, other).Add(float64(documents))
}

// IngestTook records one stage of loading: read, extract, embed, store or
// publish.
func (t *Telemetry) IngestTook(stage string, took time.Duration) {
	pick(t.metrics.kb.ingestSeconds, stage, other).Observe(took.Seconds())
}

// CollectSyncs exports when sources were last synced, read from the database at
// each scrape. While it fails there are none. It is called at most once.
func (t *Telemetry) CollectSyncs(read func(context.Context) ([]desk.Sync, error)) {
	t.registry.MustRegister(syncCollector{t, read})
}

type syncCollector struct {
	*Telemetry
	read func(context.Context) ([]desk.Sync, error)
}

var (
	lastSync = prometheus.NewDesc("kefu_kb_last_success_timestamp_seconds", "When sources of the kind were last synced without a failure by 'kefu kb sync': of several, the one for which that is longest ago. Of the database, the same on every replica; absent where there was none.", []string{"source"}, nil)
	syncDue  = prometheus.NewDesc("kefu_kb_sync_due_timestamp_seconds", "By when the next such sync was promised, with --again-within: of several sources of the kind, the first. Absent where none is.", []string{"source"}, nil)
)

func (c syncCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- lastSync
	ch <- syncDue
}

func (c syncCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), databaseWithin)
	defer cancel()
	syncs, err := c.read(ctx)
	if err != nil {
		c.log.Warn("syncs not measured", "error", err)
		return
	}
	for _, kind := range [...]desk.SourceKind{desk.FromFiles, desk.FromWeb} {
		var last, due time.Time
		for _, s := range syncs {
			if s.Kind != kind {
				continue
			}
			last, due = earlier(last, s.At), earlier(due, s.Due)
		}
		for desc, at := range map[*prometheus.Desc]time.Time{lastSync: last, syncDue: due} {
			if !at.IsZero() {
				ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(at.UnixMilli())/1000, string(kind))
			}
		}
	}
}

// earlier is the first of two times that are not zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
