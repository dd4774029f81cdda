// Package answer is the path of a question: screen, pin the knowledge base,
// look in the cache, and where that has nothing, compose an answer once for
// everybody who asks the same, verify it against its sources and keep it.
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

// Config bounds an answer.
type Config struct {
	Deadline     time.Duration // for the whole answer; default 60 s
	Attempts     int           // provider calls, retries and fallbacks included; default 4
	MinPassages  int           // default 3
	MaxPassages  int           // default 6
	PromptTokens int           // budget for the passages; default 3,000
	MaxTokens    int           // bound on a completion; default 800
	MaxQuestion  int           // characters; default 4,000
	// Turns is how much of a conversation a question may lean on; 0: none.
	Turns int
	// Compress is how the sources are shortened to what matters before a model
	// reads them: CompressOff, CompressExtractive or CompressModel.
	Compress string
	// Abstain refuses a question for which the passages found speak less than
	// this, before a model is asked: from 0, never, to 1. It goes by words, and
	// so belongs to an embedder that does too. A model that understands more than
	// words, as LanguageModel says there is one, is asked from a fifth of it on:
	// it says itself when its sources do not answer.
	Abstain       float64
	LanguageModel bool
	// Fingerprint names the models and the embedder in use: answers of another
	// set-up are not reused.
	Fingerprint string
	// ToolAttempts stands for Attempts where tools are used: every step of their
	// loop is a call. Default 10.
	ToolAttempts int
	// Links are hosts that an answer with tools may link to; other addresses only
	// where the knowledge base has them.
	Links []string
	// PrivateEmbedder says that the embedder shows nothing to a third party.
	PrivateEmbedder bool
	// GuardShadow records verdicts on questions without acting on them.
	GuardShadow bool
}

// Router decides how a question is answered.
type Router interface {
	Decide(question string) desk.Route
	// Version changes whenever decisions may.
	Version() string
}

// Topics recognises questions that are for private models alone.
type Topics interface {
	// Of names the topic of the texts.
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

// Observer is told how answers come about, for metrics.
type Observer interface {
	Answered(of desk.TenantID, a desk.Answer)
	// Decided is told when another model is asked because nothing supports what
	// the first one said.
	Decided(ctx context.Context, d desk.Decision)
	Routed(r desk.Route, took time.Duration)
	Retrieved(stage string, took time.Duration)
	RetrievedTop(score float64, empty bool)
	// ByWords is told when passages were found by words alone, since embedder or
	// vectors did not answer.
	ByWords(ctx context.Context, lost string, err error)
	// Compressed is told how many tokens excerpts left out of a prompt, and by
	// which way of Config.Compress they were found.
	Compressed(by string, saved int)
	CacheLookup(tier, result string, took time.Duration)
	CacheSaved(tier string, cost desk.MicroUSD)
	// CacheNearest is told how similar the nearest question that has an answer in
	// memory is, where one is alike at all: hit, far, vetoed or stale.
	CacheNearest(result string, similarity float64)
	HandedOff(reason desk.HandoffReason)
	// TurnLost is called when a conversation could not be read or added to.
	TurnLost(ctx context.Context, err error)
	// Guarded is told of verdicts on questions, and of answers held back.
	Guarded(v desk.Verdict)
	// Renewed is told what became of an answer that was to be composed ahead.
	Renewed(trigger, result string)
}

// Parts are what the pipeline is made of. Notifier may be nil, Agent where
// there are no tools, and Turns where conversations are not kept.
type Parts struct {
	Knowledge *knowledge.Knowledge
	Cache     *cache.Cache
	Router    Router
	Agent     Agent
	Models    llm.Provider
	Embedder  llm.Embedder
	Ledger    llm.Ledger
	Gate      *admission.Gate // nil: all are composed at once
	Budgets   *budget.Book    // nil: nothing is capped
	Quotes    Quoter          // where something is
	Recorder  Recorder
	Turns     Turns
	Notifier  Notifier
	Observer  Observer
	Masker    *mask.Masker
	Guard     Guard   // nil: questions are not judged
	Topics    Topics  // nil: no question is confidential by what it is about
	Tenants   Tenants // nil: nobody shares the installation
	// Contact is how customers reach a person.
	Contact func(desk.Lang) desk.Contact
}

// Service answers questions. It is safe for concurrent use.
type Service struct {
	Parts
	cfg         Config
	fingerprint string
	canary      string
	flights     *flights
	questions   *match.Reader // that come again: curated or cached ones
	evidence    abstain.Judge
	ahead       chan renewal
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

// Wait returns when every answer under way has ended.
func (s *Service) Wait() { s.flights.wait() }

// Answer answers one question and emits what happens on the way. The returned
// answer's Restored is for the asker alone. Errors are *desk.Error, or the
// context's when the caller left.
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
		return true // without a timer
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	return s.Knowledge.Refresh(ctx) == nil
}

// flightKey adds the revision: a question asked after a publish must not join
// a flight that left before it. Who asked for a stream joins streams: the
// others get an answer from which what failed verification was taken out. Nobody
// who waits for an answer joins a batch, which may be refused. Those whose spending
// is capped by itself share with nobody, since the leader pays.
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

// replay emits a finished answer as if it were composed now; of one that was
// told while it was composed, only what is left to say.
func replay(a desk.Answer, told bool, emit desk.Emit) error {
	for e := range events(&a, told) {
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}

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

// restoring gives each caller their own personal data back: the flight and the
// cache behind it hold masked text only.
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
