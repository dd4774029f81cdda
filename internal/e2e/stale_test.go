package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/answer"
	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/llm/offline"
	"kefu/internal/mask"
	"kefu/internal/retrieval"
	"kefu/internal/route"
	"kefu/internal/store"
	"kefu/internal/telemetry"
	"kefu/internal/testenv"
)

const (
	interleavings = 10_000 // questions, all of them beside publishes
	hotTopics     = 24     // which writers change all the time
	coldTopics    = 40     // which nobody changes
	writers       = 3
	readers       = 4
	// pace leaves the writers a share of a busy machine: each reader asks that
	// often at most.
	pace = 2 * time.Millisecond
)

// names tell topics apart: each is a word of its own.
var names = func() (all [hotTopics + coldTopics]string) {
	for i := range all {
		all[i] = fmt.Sprintf("Zor%c%cblax", 'a'+i/26, 'a'+i%26)
	}
	return all
}()

func asking(topic int) string { return "How much does the " + names[topic] + " lamp cost?" }

// replica is a server without its HTTP: an own connection to the database and
// to Redis, an own memory tier, an own view of the knowledge base.
type replica struct {
	*answer.Service
	knowledge *knowledge.Knowledge
}

func newReplica(t *testing.T, database, redis string) replica {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Config{URL: database, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	tel, err := telemetry.New(telemetry.Config{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	client, err := cache.Dial(redis, 5*time.Second) // a busy machine must not look like an outage
	if err != nil {
		t.Fatal(err)
	}
	tiers, err := cache.New(cache.Config{MemoryEntries: 10_000, MemoryTTL: time.Hour, Timeout: 5 * time.Second, Logger: log}, client, tel)
	if err != nil {
		t.Fatal(err)
	}
	embedder := offline.NewEmbedder()
	k := knowledge.New(db.Documents(), embedder.Model(), retrieval.DefaultConfig(), knowledge.WithLogger(log), knowledge.WithLease(time.Minute))
	if err := k.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := answer.New(answer.Config{
		Deadline: time.Minute, Attempts: 4, MinPassages: 3, MaxPassages: 5, PromptTokens: 3000, MaxTokens: 800, MaxQuestion: 4000,
	}, answer.Parts{
		Knowledge: k, Cache: tiers, Router: route.New(), Models: offline.New(), Embedder: embedder, Ledger: silent{},
		Recorder: silent{}, Observer: tel, Masker: mask.New(),
		Contact: func(desk.Lang) desk.Contact { return desk.Contact{Email: "help@example.com"} },
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = k.Run(ctx) })
	running.Go(func() { _ = tiers.Run(ctx) })
	t.Cleanup(func() {
		s.Wait()
		stop()
		running.Wait()
		client.Close()
		db.Close()
		_ = tel.Close(context.Background()) // nothing was to be sent
	})
	return replica{s, k}
}

// silent records nothing.
type silent struct{}

func (silent) Record(desk.Question, desk.Answer)         {}
func (silent) Begin(context.Context, desk.Attempt) error { return nil }
func (silent) Note(desk.Attempt)                         {}
func (silent) End(desk.Attempt)                          {}

// history is what was published of one topic: state n is edition n, or absence.
type history struct {
	mu      sync.Mutex
	absent  []bool // by state
	visible int    // the newest state whose publish has returned
}

// begin adds the state that is about to be published.
func (h *history) begin(absent bool) (state int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.absent = append(h.absent, absent)
	return len(h.absent) - 1
}

func (h *history) published(state int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.visible = state
}

func (h *history) now() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.visible
}

// allows tells whether an answer, of which edition says the number (-1: none),
// may be given to a question that was asked when state from was visible.
func (h *history) allows(edition, from int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for state := from; state < len(h.absent); state++ {
		if edition == state && !h.absent[state] || edition < 0 && h.absent[state] {
			return true
		}
	}
	return false
}

// shelfOf publishes topics and waits until both replicas serve them.
type shelfOf struct {
	t         *testing.T
	docs      *store.Documents
	histories [hotTopics + coldTopics]history
	publishes atomic.Int64
	underWay  [writers]atomic.Int64 // the topic that each writer publishes
}

// change publishes the next state of a topic, in the name of a writer.
func (s *shelfOf) change(writer, topic int, absent bool) {
	id := desk.DocumentID("doc_" + names[topic])
	h := &s.histories[topic]
	state := h.begin(absent)
	change := desk.Change{Kind: desk.ReleaseEdit, Author: "writer"}
	if absent {
		change.Remove = []desk.DocumentID{id}
	} else {
		hash := strconv.Itoa(state)
		put := desk.Prepared{
			Document: desk.Document{ID: id, Source: "test", Path: names[topic], Title: names[topic], Lang: desk.English, Kind: desk.Page, Hash: hash},
			Chunks: []desk.Chunk{{
				ID: desk.ChunkID(id + ".0"), Document: id, Heading: names[topic], Lang: desk.English, Tokens: 12,
				Text: fmt.Sprintf("The %s lamp costs %d euros.", names[topic], 1000+state),
			}},
		}
		if err := s.docs.Stage(s.t.Context(), tenant, []desk.Prepared{put}); err != nil {
			s.t.Error(err)
			return
		}
		change.Put = []desk.Version{{Document: id, Hash: hash}}
	}
	s.underWay[writer].Store(int64(topic))
	r, err := s.docs.Publish(s.t.Context(), tenant, change)
	if err == nil {
		err = s.docs.WaitAcknowledged(s.t.Context(), r.Revision)
	}
	if err != nil {
		s.t.Error(err)
		return
	}
	h.published(state)
	s.publishes.Add(1)
}

const tenant = desk.DefaultTenant

// editionIn is the edition of the topic that an answer tells, -1 for none.
func editionIn(answer desk.Masked, topic int) int {
	_, after, found := strings.Cut(string(answer), "The "+names[topic]+" lamp costs ")
	if !found {
		return -1
	}
	price, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		return -1
	}
	return price - 1000
}

// Two replicas over one PostgreSQL and one Redis answer while writers edit,
// delete and add what is asked about. An answer must be one that was true at
// some moment between the question and the answer: whatever a publish that had
// returned before the question has changed must be in it, on both replicas.
// Answers about other things stay cached.
func TestNoAnswerIsStaleHoweverPublishesAndQuestionsInterleave(t *testing.T) {
	database, redis := testenv.Postgres(t), testenv.Redis(t)
	db, err := store.Open(t.Context(), store.Config{URL: database, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	shelf := &shelfOf{t: t, docs: db.Documents()}
	for topic := range names {
		shelf.change(topic%writers, topic, false)
	}
	replicas := [2]replica{newReplica(t, database, redis), newReplica(t, database, redis)}
	ask := func(r replica, topic int) desk.Answer {
		a, err := r.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: asking(topic)}, desk.Discard)
		if err != nil {
			t.Errorf("%s: %v", asking(topic), err)
		}
		return a
	}
	for topic := range names {
		for _, r := range replicas {
			if a := ask(r, topic); editionIn(a.Text, topic) != 0 || !a.Grounded {
				t.Fatalf("%s: %+v, want edition 0", asking(topic), a)
			}
		}
	}

	start, before := time.Now(), shelf.publishes.Load()
	var beside, stale, cold, survived, absences atomic.Int64
	done := make(chan struct{})
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			gone := make(map[int]bool)
			for {
				select {
				case <-done:
					return
				default:
				}
				topic := w + writers*random.IntN(hotTopics/writers) // nobody else's
				gone[topic] = !gone[topic] && random.IntN(3) == 0   // else edited, or added again
				shelf.change(w, topic, gone[topic])
			}
		})
	}
	for n := range readers {
		reading.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 2))
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for beside.Load() < interleavings && !t.Failed() {
				<-tick.C
				beside.Add(1)
				r := replicas[random.IntN(2)]
				if random.IntN(4) == 0 {
					topic := hotTopics + random.IntN(coldTopics)
					a := ask(r, topic)
					cold.Add(1)
					if a.CacheTier != "" {
						survived.Add(1)
					}
					if editionIn(a.Text, topic) != 0 {
						t.Errorf("%s: %q", asking(topic), a.Text)
					}
					continue
				}
				topic := random.IntN(hotTopics)
				if random.IntN(2) == 0 { // one that is being changed now, or was just now
					topic = int(shelf.underWay[random.IntN(writers)].Load())
				}
				from := shelf.histories[topic].now()
				a := ask(r, topic)
				edition := editionIn(a.Text, topic)
				if !shelf.histories[topic].allows(edition, from) {
					stale.Add(1)
					t.Errorf("stale: asked when state %d of %s was served, answered with edition %d (cache %q): %q", from, names[topic], edition, a.CacheTier, a.Text)
				}
				if edition < 0 {
					absences.Add(1)
				}
			}
		})
	}
	reading.Wait()
	close(done)
	writing.Wait()
	publishes := shelf.publishes.Load() - before
	share := float64(survived.Load()) / float64(max(cold.Load(), 1))
	t.Logf("%d questions beside %d publishes in %v: %d stale, %d found nothing; %.2f %% of %d answers about other things were still cached",
		beside.Load(), publishes, time.Since(start).Round(time.Millisecond), stale.Load(), absences.Load(), 100*share, cold.Load())
	if share < 0.99 {
		t.Errorf("%.2f %% of unrelated entries survived, want 99 %%", 100*share)
	}
	if absences.Load() == 0 || publishes < 50 {
		t.Errorf("%d publishes and %d absences are too few to prove anything", publishes, absences.Load())
	}
	// At rest both replicas tell the same, which is what was published last.
	for topic := range hotTopics {
		last := shelf.histories[topic].now()
		for i, r := range replicas {
			if edition := editionIn(ask(r, topic).Text, topic); !shelf.histories[topic].allows(edition, last) {
				t.Errorf("replica %d at rest: edition %d of %s, want state %d", i, edition, names[topic], last)
			}
		}
	}
}
