package desk

import "time"

// OpsKind says what an OpsEvent tells of, a closed set.
type OpsKind string

const (
	OpsAttempt    OpsKind = "attempt"    // a call to a provider has ended
	OpsDecision   OpsKind = "decision"   // what was done about one that failed or was slow
	OpsBreaker    OpsKind = "breaker"    // the breaker of a deployment has changed
	OpsCache      OpsKind = "cache"      // a look into a tier of the cache
	OpsRoute      OpsKind = "route"      // how a question is to be answered
	OpsAnswer     OpsKind = "answer"     // a question was answered
	OpsBudget     OpsKind = "budget"     // a budget did more than let an answer pass
	OpsRefused    OpsKind = "refused"    // a request was refused before any work
	OpsGuard      OpsKind = "guard"      // a text was suspected
	OpsTool       OpsKind = "tool"       // a tool was used
	OpsPublish    OpsKind = "publish"    // this process answers from another release
	OpsDependency OpsKind = "dependency" // whether something that is depended on answers
)

// OpsEvent is something that happened in this process, for those who run it.
// It holds names of closed sets, counts and times, and never a text. Which
// fields are set depends on Kind.
type OpsEvent struct {
	Kind       OpsKind   `json:"-"`
	At         time.Time `json:"at"`
	Tenant     TenantID  `json:"tenant,omitempty"` // empty: of all, or not known
	Request    string    `json:"request_id,omitempty"`
	Answer     AnswerID  `json:"answer_id,omitempty"`
	Name       string    `json:"name,omitempty"` // of a tool, a dependency or the stage of a guard
	Provider   string    `json:"provider,omitempty"`
	Model      string    `json:"model,omitempty"`
	Deployment int       `json:"deployment,omitempty"` // of several of a model, from 1
	Purpose    Purpose   `json:"purpose,omitempty"`
	Attempt    int       `json:"attempt,omitempty"` // within the answer, from 1
	Step       Step      `json:"step,omitempty"`
	From       string    `json:"from,omitempty"` // model
	To         string    `json:"to,omitempty"`   // model
	Outcome    string    `json:"outcome,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	State      string    `json:"state,omitempty"`
	Route      RouteKind `json:"route,omitempty"`
	Tier       string    `json:"tier,omitempty"` // of the cache; empty on an answer: composed
	Lang       Lang      `json:"lang,omitempty"`
	LatencyMS  float64   `json:"latency_ms,omitempty"`
	Tokens     int       `json:"tokens,omitempty"`
	CostUSD    float64   `json:"cost_usd,omitempty"`  // of a model without a price: absent
	SavedUSD   float64   `json:"saved_usd,omitempty"` // what an answer from the cache had cost
	Documents  int       `json:"documents,omitempty"`
	Chunks     int       `json:"chunks,omitempty"`
	Revision   Revision  `json:"revision,omitempty"`
}
