// Package desk holds the nouns of the customer-service desk that three or more
// packages share: who asks, what is known, what was answered. It has no
// behaviour beyond its own values and imports nothing of ours.
package desk

import "time"

// Identifiers are distinct types so that they cannot be swapped by accident.
type (
	TenantID       string
	KeyID          string
	SessionID      string
	UserID         string
	DocumentID     string
	ChunkID        string
	AnswerID       string
	AttemptID      string
	ConversationID string
	BudgetID       string
)

// DefaultTenant owns everything until an operator creates another tenant.
const DefaultTenant TenantID = "default"

// Anonymous is the user of a question that names none.
const Anonymous UserID = "anonymous"

// Scope says on whose behalf something is read or written. It is part of every
// store and cache signature, so that one tenant's data cannot be reached by
// forgetting a parameter.
type Scope struct {
	Tenant TenantID
	Key    KeyID
	User   UserID
}

// Revision numbers the states of the knowledge base. It grows by at least one
// with every publish and is unique across tenants. Zero is the empty base.
type Revision int64

// Masked is text whose personal data has been replaced by placeholders. Only
// Masked text may enter prompts, caches, stores, logs and error reports; only
// package mask makes it from what a customer wrote.
type Masked string

// Lang is the language a text is written in: English for every language that
// is not Chinese, since the customer sentences exist in these two.
type Lang string

const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// MicroUSD is money in millionths of a US dollar. Costs are rounded up.
type MicroUSD int64

// USD returns the amount in dollars, for display only.
func (m MicroUSD) USD() float64 { return float64(m) / 1e6 }

// Usage counts the tokens of one or several calls as the provider reported
// them. Cached is a part of Prompt, Reasoning a part of Completion.
type Usage struct {
	Prompt     int `json:"prompt"`
	Completion int `json:"completion"`
	Cached     int `json:"cached,omitempty"`
	CacheWrite int `json:"cache_write,omitempty"`
	Reasoning  int `json:"reasoning,omitempty"`
	// Estimated marks counts that the provider did not report: they bound the
	// true ones from above.
	Estimated bool `json:"estimated,omitempty"`
}

// Total is the number of tokens paid for.
func (u Usage) Total() int { return u.Prompt + u.Completion }

// Plus adds two usages; the sum is estimated if either part is.
func (u Usage) Plus(v Usage) Usage {
	return Usage{
		Prompt: u.Prompt + v.Prompt, Completion: u.Completion + v.Completion,
		Cached: u.Cached + v.Cached, CacheWrite: u.CacheWrite + v.CacheWrite,
		Reasoning: u.Reasoning + v.Reasoning, Estimated: u.Estimated || v.Estimated,
	}
}

// Ask is a question as its author wrote it: the one value that may hold
// personal data on its way in.
type Ask struct {
	Scope        Scope
	Text         string
	Conversation ConversationID
	// Earlier is what was said before, oldest first, where the caller keeps that;
	// else what was kept of Conversation counts.
	Earlier  []Exchange
	Model    string    // name from the configuration; empty: by route
	Provider string    // name from the configuration; empty: by route
	Route    RouteKind // Simple or Complex; empty: the router decides
	// Stream asks for the answer while it is made. What was shown cannot be taken
	// back then: text that fails verification is followed by a handoff.
	Stream bool
	// Confirmation is the token of an action that the customer agrees to.
	Confirmation string
	// Batch marks a question whose answer nobody is waiting for: where there is
	// too much to do, it is refused before others.
	Batch bool
	// Admit holds the asker to their limits.
	Admit Admit
}

// Question is an Ask after screening.
type Question struct {
	ID    AnswerID
	Scope Scope
	Text  Masked
	// Said is the question as it was asked, where Text was made to stand alone by
	// what Earlier holds; both are empty where it stood alone.
	Said         Masked
	Earlier      []Turn
	Lang         Lang
	Conversation ConversationID
	Model        string
	Provider     string
	Route        RouteKind
	// Alone keeps the answer out of shared caches and shared flights, because
	// it depends on personal data, history or tools.
	Alone bool
	// Care marks a question that may be an attack: it is answered by a harder
	// prompt, without tools, and its answer is not kept for others.
	Care bool
	// Topic is why the question is for private models alone, by the operator's
	// name for it; empty: it is not.
	Topic string
	// Cheaper asks the cheap model alone, because a budget has too little left
	// for another. The answer is not given to others.
	Cheaper bool
	// Ahead marks a question that nobody asks now: its answer is composed for
	// those who will.
	Ahead  bool
	Asked  time.Time
	Stream bool
	// Tools is the route of a question that tools are used for; nil for others.
	Tools *Route
	// Confirmation is as in Ask. It is kept nowhere.
	Confirmation string
	Batch        bool // as in Ask
}
