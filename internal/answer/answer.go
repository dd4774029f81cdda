// Package answer is the path of a question. Service.Answer screens it, pins the
// knowledge base at one revision and looks into the cache. If that has no answer,
// one is composed once for everybody who asks the same at that time (compose),
// verified against its sources and kept for those who ask later.
package answer

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"kefu/internal/abstain"
	"kefu/internal/admission"
	"kefu/internal/budget"
	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/lang"
	"kefu/internal/llm"
	"kefu/internal/mask"
	"kefu/internal/match"
)

// Config bounds an answer. The defaults are those of the configuration: New takes
// the values as they are.
type Config struct {
	Deadline     time.Duration // for the whole answer; default 60 s
	Attempts     int           // provider calls, retries and fallbacks included; default 4
	MinPassages  int           // so many enter a prompt even if little relevant; default 3
	MaxPassages  int           // no more than these do; default 6
	PromptTokens int           // of the passages together; default 3,000
	MaxTokens    int           // of a completion, at most; default 800
	MaxQuestion  int           // length of the longest question, in characters; default 4,000
	// Turns is how many turns of a conversation a question may refer to; 0: none.
	Turns int
	// Compress is how the sources are shortened before a model reads them:
	// CompressOff, CompressExtractive or CompressModel.
	Compress string
	// Abstain is how far the passages found must speak for an answer, as
	// desk.Trace.Answerable says: from 0 (off) to 1. Below it no model is asked. It
	// is judged by words, and fits an embedder that goes by words too.
	Abstain float64
	// LanguageModel says that the models understand more than words. They are
	// asked from a fifth of Abstain on, since they say themselves when their
	// sources do not answer.
	LanguageModel bool
	// Fingerprint names the models and the embedder in use: answers of another
	// set-up are not reused.
	Fingerprint string
	// ToolAttempts replaces Attempts where tools are used, since every step of the
	// tool loop is a call. Default 10.
	ToolAttempts int
	// Links are the hosts that an answer made with tools may link to, beside the
	// addresses that stand in the knowledge base.
	Links []string
	// PrivateEmbedder says that the embedder shows its texts to no third party.
	PrivateEmbedder bool
	// GuardShadow records verdicts on questions without acting on them.
	GuardShadow bool
}

// Router decides how a question is answered.
type Router interface {
	Decide(question string) desk.Route
	// Version differs where the decisions may differ.
	Version() string
}

// Topics recognises questions that only private models may be shown.
type Topics interface {
	// Of names the topic of the texts; ok is false where they have none.
	Of(texts ...string) (topic string, ok bool)
}

// Recorder keeps answers and their traces. It never blocks.
type Recorder interface {
	Record(q desk.Question, a desk.Answer)
}

// Notifier tells the people behind the desk that a customer was sent to them.
// It never blocks.
type Notifier interface {
	HandedOff(q desk.Question, a desk.Answer)
}

// Observer is told how answers come about, for metrics. Its methods are called
// concurrently and must not block.
type Observer interface {
	// Answered tells how a question of the tenant ended, errors included.
	Answered(of desk.TenantID, a desk.Answer)
	// Decided tells that another model is asked because nothing supports what the
	// first one said.
	Decided(ctx context.Context, d desk.Decision)
	Routed(r desk.Route, took time.Duration)
	// Retrieved tells how long a stage took: "lexical", "embed" or "search".
	Retrieved(stage string, took time.Duration)
	// RetrievedTop tells the score of the best passage; empty if there was none.
	RetrievedTop(score float64, empty bool)
	// ByWords tells that passages were found by words alone, because lost, the
	// "embedder" or the "vectors", did not answer.
	ByWords(ctx context.Context, lost string, err error)
	// Compressed tells how many tokens of a prompt's sources were left out, and
	// by which way of Config.Compress.
	Compressed(by string, saved int)
	CacheLookup(tier, result string, took time.Duration)
	// CacheSaved tells what an answer had cost that is now given from the cache.
	CacheSaved(tier string, cost desk.MicroUSD)
	// CacheNearest tells how similar, from 0 to 1, the nearest cached question was
	// and what came of it: hit, far, vetoed or stale.
	CacheNearest(result string, similarity float64)
	HandedOff(reason desk.HandoffReason)
	// TurnLost tells that a conversation could not be read or added to.
	TurnLost(ctx context.Context, err error)
	// Guarded tells the verdict on a question, a source or an answer.
	Guarded(v desk.Verdict)
	// Renewed tells what became of an answer that was to be composed ahead.
	Renewed(trigger, result string)
}

// Parts are what the pipeline is made of. All are required but those that say
// what nil means.
type Parts struct {
	Knowledge *knowledge.Knowledge
	Cache     *cache.Cache
	Router    Router
	Agent     Agent // nil: there are no tools
	Models    llm.Provider
	Embedder  llm.Embedder
	Ledger    llm.Ledger
	Gate      *admission.Gate // nil: any number of answers is composed at a time
	Budgets   *budget.Book    // nil: no spending is capped
	Quotes    Quoter          // may be nil where Budgets is
	Recorder  Recorder
	Turns     Turns    // nil: conversations are not kept
	Notifier  Notifier // nil: nobody is told of handoffs
	Observer  Observer
	Masker    *mask.Masker
	Guard     Guard   // nil: questions are not judged
	Topics    Topics  // nil: no topic is for private models alone
	Tenants   Tenants // nil: the installation has one tenant
	// Contact is how customers reach a person.
	Contact func(desk.Lang) desk.Contact
}

// Service answers questions. It is safe for concurrent use.
type Service struct {
	Parts
	cfg         Config
	fingerprint string // part of every cache key: of all that composes answers
	canary      string // stands in every prompt; a reply that holds it leaks the prompt
	flights     *flights
	questions   *match.Reader // remembers how curated and cached questions are read
	evidence    abstain.Judge
	ahead       chan renewal // answers to compose before they are asked
}

// New returns a service over its parts.
func New(cfg Config, parts Parts) *Service {
	evidence := abstain.New()
	abstains := fmt.Sprint(cfg.Abstain, cfg.LanguageModel, evidence.Version())
	return &Service{
		Parts: parts, cfg: cfg, flights: newFlights(), questions: match.NewReader(), evidence: evidence, canary: newCanary(),
		ahead:       make(chan renewal, aheadMost),
		fingerprint: digest(cfg.Fingerprint + "|" + parts.Router.Version() + "|" + promptVersion() + "|" + abstains),
	}
}

// Wait returns when no answer is under way.
func (s *Service) Wait() { s.flights.wait() }

// Answer answers one question and emits what happens on the way, from the calling
// goroutine. The returned answer's Restored is for the asker alone. Errors are
// *desk.Error, or the context's when the caller left.
func (s *Service) Answer(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
	q, vault, err := s.screen(ask)
	if err != nil {
		return desk.Answer{}, err
	}
	if err := s.recall(ctx, &q, &ask); err != nil {
		return desk.Answer{}, err
	}
	if err := s.needsTools(&q); err != nil {
		return desk.Answer{}, err
	}
	restore, open := vault.Restore, (*mask.Open)(nil)
	if q.Tools != nil {
		open = s.Masker.Open(vault)
		restore = open.Show
	}
	if open != nil || !vault.Empty() {
		emit = restoring(emit, restore)
	}
	fresh := s.catchUp(ctx)
	view := s.Knowledge.View(q.Scope.Tenant)
	at := shelf{key: s.key(q, lang.Normalise(string(q.Text))), fresh: fresh}

	a, hit, err := s.cached(ctx, q, at, view, ask.Admit)
	if err != nil {
		return desk.Answer{}, err
	}
	if hit {
		err = replay(a, false, emit)
	} else {
		q.ID = desk.NewAnswerID()
		a, err = s.flights.join(ctx, s.flightKey(q, at.key, view), s.cfg.Deadline, q.Stream,
			func(ctx context.Context, emit desk.Emit) (desk.Answer, error) {
				if a, landed := s.justLanded(q, at, view); landed {
					return a, replay(a, false, emit)
				}
				return s.compose(ctx, q, view, at, open, emit)
			}, emit)
	}
	if err != nil {
		return desk.Answer{}, s.failed(q, err)
	}
	a.Conversation = q.Conversation
	a.Latency = time.Since(q.Asked)
	a.Restored = restore(a.Text)
	if open != nil {
		a.Citations = restoredQuotes(a.Citations, restore)
	}
	s.keepTurn(ctx, q, a)
	s.Observer.Answered(q.Scope.Tenant, a)
	return a, nil
}

// catchUpTimeout bounds how long a question waits for a replica that has lost
// its lease.
const catchUpTimeout = time.Second

// catchUp makes sure that the views are current. A replica whose lease has run
// out may have missed a publish: it catches up before it serves, and where it
// cannot, composes from what it knows but trusts no cached answer.
func (s *Service) catchUp(ctx context.Context) (fresh bool) {
	if s.Knowledge.Fresh() {
		return true // as nearly always: no timer is needed
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	return s.Knowledge.Refresh(ctx) == nil
}

// flightKey tells which questions share one composition. To the cache key it adds
//
//   - the revision: a question asked after a publish must not join a flight that
//     began before it;
//   - whether it is streamed: a stream shows what later fails verification, a whole
//     answer leaves it out;
//   - whether it is part of a batch, which may be refused when there is much to do;
//   - whose budget pays for it, since the first asker pays for all.
func (s *Service) flightKey(q desk.Question, key cache.Key, view *knowledge.View) string {
	if q.Alone {
		return string(q.ID)
	}
	flight := string(key) + "@" + strconv.FormatInt(int64(view.Revision()), 10) + strconv.FormatBool(q.Stream) + strconv.FormatBool(q.Batch)
	if s.Budgets != nil {
		flight += s.Budgets.Sharing(q.Scope)
	}
	return flight
}

// replay emits a finished answer as if it were composed now. Of an answer that was
// told, that is, streamed while it was composed, it emits what is left to say.
func replay(a desk.Answer, told bool, emit desk.Emit) error {
	for e := range events(&a, told) {
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}

// events are what replay emits, in order.
func events(a *desk.Answer, told bool) iter.Seq[desk.Event] {
	return func(yield func(desk.Event) bool) {
		if !told {
			if !yield(desk.Event{Type: desk.EventMeta, Answer: a}) {
				return
			}
		}
		for e := range guardEvents(verdicts(a, told)) {
			if !yield(e) {
				return
			}
		}
		if !told {
			if !yield(desk.Event{Type: desk.EventDelta, Text: string(a.Text)}) {
				return
			}
			for i := range a.Citations {
				if !yield(desk.Event{Type: desk.EventCitation, Citation: &a.Citations[i]}) {
					return
				}
			}
		}
		if a.Handoff != nil && !yield(desk.Event{Type: desk.EventHandoff, Handoff: a.Handoff}) {
			return
		}
		yield(desk.Event{Type: desk.EventUsage, Answer: a})
	}
}

// restoring puts the asker's own personal data back into what is emitted: flights
// and caches hold masked text only.
func restoring(emit desk.Emit, restore func(desk.Masked) string) desk.Emit {
	return func(e desk.Event) error {
		e.Text = restore(desk.Masked(e.Text))
		if e.Citation != nil {
			e.Citation = &restoredQuotes([]desk.Citation{*e.Citation}, restore)[0]
		}
		return emit(e)
	}
}

// restoredQuotes returns the citations as their asker may read them.
func restoredQuotes(citations []desk.Citation, restore func(desk.Masked) string) []desk.Citation {
	out := slices.Clone(citations)
	for i := range out {
		out[i].Quote = restore(desk.Masked(out[i].Quote))
	}
	return out
}
