package main

import (
	"context"
	"strings"

	"kefu/internal/admission"
	"kefu/internal/answer"
	"kefu/internal/budget"
	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/gateway"
	"kefu/internal/handoff"
	"kefu/internal/httpapi"
	"kefu/internal/llm"
	"kefu/internal/llm/offline"
	"kefu/internal/mask"
	"kefu/internal/retrieval"
	"kefu/internal/store"
)

// modelWeight is the share of the vectors in the score of a passage, where a model
// makes them. Half is what hybrid searches usually begin with; it was not measured
// here.
const modelWeight = 0.5

// search is how passages are ranked. The embeddings of a model count for more than
// the weights say, which were learned with the offline ones.
func (a *app) search() retrieval.Config {
	c := retrieval.DefaultConfig()
	switch w := a.cfg.Retrieval.VectorWeight; {
	case w > 0:
		return c.WithVector(w)
	case a.models.targets.Embedding.Protocol != config.Offline:
		return c.WithVector(modelWeight)
	}
	return c
}

// parts are what answers are made by.
func (a *app) parts(models *gateway.Gateway, masker *mask.Masker) (answer.Parts, error) {
	notifier, err := a.notifier()
	if err != nil {
		return answer.Parts{}, err
	}
	router, err := newRouter(a.cfg)
	if err != nil {
		return answer.Parts{}, err
	}
	channels := handoff.Channels{URL: a.cfg.Handoff.URL, Email: a.cfg.Handoff.Email, Phone: a.cfg.Handoff.Phone}
	parts := answer.Parts{
		Knowledge: a.knowledge,
		Cache:     a.cache,
		Router:    router,
		Models:    models,
		Embedder:  a.embedder,
		Ledger:    a.db.Ledger(),
		Gate:      a.gate(),
		Budgets:   a.budgets(),
		Quotes:    models,
		Recorder:  a.recorder(),
		Turns:     a.db.Turns(),
		Notifier:  notifier,
		Observer:  a.telemetry,
		Masker:    masker,
		Guard:     a.guard,
		Topics:    a.topics,
		Tenants:   a.directory,
		Contact:   func(l desk.Lang) desk.Contact { return handoff.Contact(channels, l) },
	}
	if a.agent != nil { // else the interface would hold a nil *agent, and not be nil
		parts.Agent = a.agent
	}
	return parts, nil
}

// answerConfig is what the settings say of answers.
func (a *app) answerConfig() answer.Config {
	cfg := a.cfg
	compress := a.models.compression(cfg.Answer.Compress)
	return answer.Config{
		Deadline:        cfg.Answer.Deadline,
		Attempts:        cfg.Answer.Attempts,
		ToolAttempts:    cfg.Agent.Attempts,
		MinPassages:     min(3, cfg.Answer.Passages),
		MaxPassages:     cfg.Answer.Passages,
		PromptTokens:    cfg.Answer.PromptTokens,
		MaxTokens:       cfg.Models.MaxTokens,
		MaxQuestion:     cfg.Question.MaxCharacters,
		Turns:           cfg.Conversation.Turns,
		Compress:        compress,
		Abstain:         abstainBelow(a.embedder, cfg),
		LanguageModel:   a.models.language(),
		Links:           cfg.Agent.LinkHosts,
		PrivateEmbedder: a.models.embedsInHouse(),
		GuardShadow:     cfg.Guard.Mode == "shadow",
		Fingerprint: strings.Join([]string{
			a.models.fingerprint(), a.embedder.Model(), cfg.Guard.Mode, cfg.Knowledge.LocalOnlyTopics, compress,
		}, "|"),
	}
}

// recorder writes answers down behind their requests; a.written is closed after
// the last one.
func (a *app) recorder() *store.Recorder {
	recorder := store.NewRecorder(a.db.Answers(), a.log)
	a.telemetry.CollectDropped("answers", recorder.Dropped)
	a.written = make(chan struct{})
	a.workers.start("answers", func(ctx context.Context) error {
		defer close(a.written)
		return recorder.Run(ctx)
	})
	return recorder
}

// budgets holds answers to what their tenants and keys may spend.
func (a *app) budgets() *budget.Book {
	budgets := budget.New(a.directory, a.db.Budgets(), a.telemetry, a.log)
	a.workers.start("budgets", budgets.Run)
	a.telemetry.CollectBudgets(a.db.Budgets().Fullest)
	return budgets
}

// gate bounds how many answers are composed at a time; nil where that is
// switched off.
func (a *app) gate() *admission.Gate {
	cfg := a.cfg.Admission
	if cfg.Concurrency == 0 {
		return nil
	}
	cfg.Wait = min(cfg.Wait, a.cfg.Answer.Deadline/4) // the rest is for the answer
	gate := admission.New(admission.Config(cfg), a.telemetry)
	a.workers.start("admission", gate.Run)
	a.telemetry.CollectAdmission(func() (places, inside, waiting int) {
		s := gate.State()
		return s.Places, s.Inside, s.Waiting
	})
	return gate
}

// abstainBelow is the configured bound, or 0 (never) with a model's embeddings:
// they may find by meaning what shares no word with the question, while the
// decision to abstain goes by words.
func abstainBelow(e llm.Embedder, cfg config.Config) float64 {
	if e.Model() != offline.EmbedderModel {
		return 0
	}
	return cfg.Answer.Abstain
}

// configured refuses a question to a model or provider that is not configured,
// even if no model would have to be asked.
type configured struct {
	httpapi.Answerer
	models *gateway.Gateway
}

func (c configured) Answer(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
	if ask.Model != "" || ask.Provider != "" {
		if err := c.models.Check(ask.Model, ask.Provider); err != nil {
			return desk.Answer{}, err
		}
	}
	return c.Answerer.Answer(ctx, ask, emit)
}

// notifier tells the configured webhook of handoffs; nil without one.
func (a *app) notifier() (answer.Notifier, error) {
	url := a.cfg.Handoff.WebhookURL.Value()
	if url == "" {
		return nil, nil
	}
	hook, err := handoff.NewWebhook(handoff.Config{URL: url, Secret: a.cfg.Handoff.WebhookSecret.Value()}, a.telemetry, a.db.Handoffs(), a.log)
	if err != nil {
		return nil, err
	}
	a.workers.start("handoff", hook.Run)
	return hook, nil
}
