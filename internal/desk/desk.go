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
	// Earlier is what was said before, oldest first, from callers that keep the
	// conversation themselves; empty: what Kefu has kept of Conversation counts.
	Earlier  []Exchange
	Model    string    // name from the configuration; empty: by route
	Provider string    // name from the configuration; empty: by route
	Route    RouteKind // Simple or Complex; empty: the router decides
	// Stream asks for the answer while it is made. Text that was shown and then
	// fails verification cannot be taken back: it is followed by a handoff.
	Stream bool
	// Confirmation is the token of an action that the customer agrees to.
	Confirmation string
	// Batch marks a question whose answer nobody is waiting for: under too much
	// load it is refused before others.
	Batch bool
	// Admit keeps the asker within their limits; nil: there are none.
	Admit Admit
}

// Question is an Ask after screening.
type Question struct {
	ID    AnswerID
	Scope Scope
	Text  Masked
	// Said is a follow-up as it was asked, and Earlier the conversation by which
	// Text was made to stand alone. Both are empty for a question that stood alone.
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
	// Care marks a question that may be an attack: it is answered with a stricter
	// prompt, without tools, and for its asker alone.
	Care bool
	// Topic names the operator's topic that makes the question one for private
	// models alone; empty: none does.
	Topic string
	// Cheaper restricts the answer to the cheap model, because a budget has too
	// little left for another. The answer is for its asker alone.
	Cheaper bool
	// Ahead marks a question that nobody has asked now: its answer is composed for
	// the cache.
	Ahead  bool
	Asked  time.Time
	Stream bool // as in Ask
	// Tools is the route of a question for which tools are used; nil for others.
	Tools *Route
	// Confirmation is as in Ask. It is never stored.
	Confirmation string
	Batch        bool // as in Ask
}
