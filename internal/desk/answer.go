package desk

import "time"

// RouteKind is the way an answer is composed.
type RouteKind string

const (
	Simple  RouteKind = "simple"  // one call to the cheap tier
	Complex RouteKind = "complex" // retrieval, then the strong tier
	Agent   RouteKind = "agent"   // Complex with a bounded tool loop
)

// Reasons of a route that the router did not decide.
const (
	RouteRequested = "requested" // the caller chose it
	RouteEscalated = "escalated" // the simple route's answer had no support
)

// Route is a routing decision that explains itself.
type Route struct {
	Kind       RouteKind `json:"kind"`
	Reason     string    `json:"reason"`     // short, from a closed set
	Confidence float64   `json:"confidence"` // [0,1]
	// Pleasantry marks a greeting, thanks or goodbye, which needs no source.
	Pleasantry bool `json:"pleasantry,omitempty"`
	// Action marks a question that asks for something to be done, not only told:
	// only then may tools change anything.
	Action bool `json:"action,omitempty"`
}

// Tier names of the cache that answered.
const (
	TierMemory   = "memory"
	TierRedis    = "redis"
	TierSemantic = "semantic" // in memory, as the answer to nearly the same question
)

// Citation names the passage that supports a part of an answer. Quote is found
// verbatim in that passage.
type Citation struct {
	Index    int        `json:"index"` // the [n] in the answer, 1-based
	Document DocumentID `json:"document_id"`
	Chunk    ChunkID    `json:"chunk_id"`
	Title    string     `json:"title"`
	URL      string     `json:"url"`
	Quote    string     `json:"quote"`
	Score    float64    `json:"score"`
}

// Contact is how a customer reaches a person. Any field may be empty.
type Contact struct {
	URL   string `json:"url,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
	// Message offers the contact in the customer's language.
	Message string `json:"message"`
}

// HandoffReason says why a person is offered.
type HandoffReason string

const (
	HandoffNoAnswer  HandoffReason = "no_answer" // the knowledge base has no supported answer
	HandoffRequested HandoffReason = "requested" // the customer asked for a person
	// HandoffTool says that a tool was needed that did not work, or that no model
	// was there to use it.
	HandoffTool HandoffReason = "tool_unavailable"
	// HandoffUnknown says that a tool may or may not have changed something.
	HandoffUnknown HandoffReason = "outcome_unknown"
	// HandoffUnverified follows a streamed answer that was found unsupported
	// only after it was shown.
	HandoffUnverified HandoffReason = "unverified"
	HandoffGuarded    HandoffReason = "guarded" // the question was refused as an attack
)

// Handoff offers a person.
type Handoff struct {
	Reason  HandoffReason `json:"reason"`
	Contact Contact       `json:"contact"`
	// Pages may help all the same, the likeliest first: at most three, and only with
	// HandoffNoAnswer.
	Pages []HelpPage `json:"pages,omitempty"`
}

// HelpPage is a page that customers may read, or a question that one answers.
type HelpPage struct {
	Document DocumentID `json:"document_id"`
	Title    string     `json:"title"`
	URL      string     `json:"url"` // may be empty
	// Excerpt is the part of it that is nearest to the question, word for word, in
	// about 200 characters; an ellipsis stands for what is left out.
	Excerpt string `json:"excerpt"`
}

// Outcome is how a question ended, a closed set for metrics.
type Outcome string

const (
	Answered   Outcome = "answered"  // grounded, or a pleasantry
	Abstained  Outcome = "abstained" // no support: said so and offered a person
	Degraded   Outcome = "degraded"  // answered by quoting, since no provider could be reached
	Waiting    Outcome = "waiting"   // the customer must confirm an action first
	ErrOutcome Outcome = "error"     // no answer could be given
)

// Outcomes lists the set.
var Outcomes = [...]Outcome{Answered, Abstained, Degraded, Waiting, ErrOutcome}

// Answer is what Kefu says. Its fields are masked; Restored alone is not.
type Answer struct {
	ID        AnswerID   `json:"id"`
	Text      Masked     `json:"text"`
	Lang      Lang       `json:"lang"`
	Citations []Citation `json:"citations"`
	Route     Route      `json:"route"`
	Outcome   Outcome    `json:"outcome"`
	Model     string     `json:"model"`
	Provider  string     `json:"provider"`
	Usage     Usage      `json:"usage"`
	Cost      MicroUSD   `json:"cost"`
	Grounded  bool       `json:"grounded"`
	Degraded  bool       `json:"degraded,omitempty"`
	Handoff   *Handoff   `json:"handoff,omitempty"`
	Basis     Basis      `json:"basis"`
	// Composed is when it was put into the cache, to the second; zero: it was not.
	Composed time.Time `json:"composed,omitzero"`

	// The rest belongs to one delivery, not to the cached answer.
	Conversation ConversationID `json:"-"`
	CacheTier    string         `json:"-"` // "" when composed
	TraceID      string         `json:"-"`
	Latency      time.Duration  `json:"-"`
	// Restored is Text with the asker's own personal data put back. It is set
	// only in the value returned to the asker and never serialised.
	Restored string `json:"-"`
	// Confirm is what the asker must agree to before it is done.
	Confirm []Confirmation `json:"-"`
	Trace   *Trace         `json:"-"`
}

// Record is an answer together with its question.
type Record struct {
	Question Question
	Answer   Answer
}

// AnswerQuery chooses answers, the latest first.
type AnswerQuery struct {
	Outcome Outcome // empty: any
	// Before and BeforeID are those of the last answer that was seen; zero: begin
	// with the latest.
	Before   time.Time
	BeforeID AnswerID
}

// Trace explains an answer to an operator.
type Trace struct {
	Revision Revision `json:"revision"`
	// Standalone is the question as it was understood from what was said before;
	// empty where it stood alone.
	Standalone Masked `json:"standalone,omitempty"`
	// Topic is why the question was for private models alone.
	Topic    string          `json:"topic,omitempty"`
	Cache    string          `json:"cache"`  // memory, redis, miss, bypass
	Routes   []Route         `json:"routes"` // more than one after an escalation
	Passages []TracedPassage `json:"passages"`
	Attempts []Attempt       `json:"attempts"`
	Grounds  []Ground        `json:"grounds"`
	// ByWords tells that passages were found by words alone, because the embedder
	// or the index of vectors did not answer.
	ByWords bool `json:"by_words,omitempty"`
	// Answerable is how far the passages found spoke for an answer, in [0,1];
	// 0 where that was not judged.
	Answerable float64 `json:"answerable,omitempty"`
	Stages     []Stage `json:"stages"`
	// Guard are the guard's verdicts, without those that allow.
	Guard []Verdict `json:"guard,omitempty"`
	// Tools are the uses of tools, in the order in which they ended; Stop is why
	// there were no more. Both are empty for answers without tools.
	Tools []ToolUse `json:"tools,omitempty"`
	Stop  LoopStop  `json:"stop,omitempty"`
	// Decisions are what was done about calls that failed or were slow.
	Decisions []Decision `json:"decisions,omitempty"`
}

// Took appends a stage that began at start and ends now.
func (t *Trace) Took(stage string, start time.Time) {
	t.Stages = append(t.Stages, Stage{Name: stage, Duration: time.Since(start)})
}

// TracedPassage is a retrieved passage without its text.
type TracedPassage struct {
	Index    int        `json:"index"`
	Document DocumentID `json:"document_id"`
	Chunk    ChunkID    `json:"chunk_id"`
	Score    float64    `json:"score"`
	Vector   float64    `json:"vector"`
	Lexical  float64    `json:"lexical"`
	Cited    bool       `json:"cited"`
}

// Ground is the verifier's verdict on one sentence of an answer.
type Ground struct {
	Sentence  int     `json:"sentence"` // 0-based
	Supported bool    `json:"supported"`
	Source    int     `json:"source"` // citation index, 0 when none
	Coverage  float64 `json:"coverage"`
	Reason    string  `json:"reason"`
}

// Stage is the time one step took.
type Stage struct {
	Name     string        `json:"name"`
	Duration time.Duration `json:"ns"`
}

// Step is what was done about a call that failed or was slow, a closed set.
type Step string

const (
	StepRetry           Step = "retry"            // the same call again, after a wait
	StepOtherDeployment Step = "other_deployment" // with another key or at another endpoint
	StepTrim            Step = "trim"             // with fewer sources
	StepFallback        Step = "fallback"         // to another model
	StepHedge           Step = "hedge"            // a second time, beside the first
)

// Decision is a Step that was taken.
type Decision struct {
	Step     Step   `json:"step"`
	Provider string `json:"provider"` // of the model that did not answer
	From     string `json:"from"`     // that model
	To       string `json:"to"`       // the model that is asked now
	Reason   string `json:"reason"`   // name of a failure kind; empty: it was slow
}

// Purpose is what a provider call was made for.
type Purpose string

const (
	PurposeAnswer Purpose = "answer"
	PurposeEmbed  Purpose = "embed"
	// PurposeRewrite makes a follow-up stand alone.
	PurposeRewrite Purpose = "rewrite"
	// PurposeCompress picks what of the sources matters.
	PurposeCompress Purpose = "compress"
)

// Attempt is one call to one provider: a row of the ledger. It is written once
// when it begins and once when it ends; an attempt without an end is charged
// at Worst.
type Attempt struct {
	ID       AttemptID     `json:"id"`
	Answer   AnswerID      `json:"answer_id"` // empty for calls made outside an answer
	Tenant   TenantID      `json:"tenant"`
	Number   int           `json:"number"` // 1-based within the answer
	Provider string        `json:"provider"`
	Model    string        `json:"model"`
	Purpose  Purpose       `json:"purpose"`
	Started  time.Time     `json:"started"`
	Latency  time.Duration `json:"latency_ns"`
	Usage    Usage         `json:"usage"`
	Cost     MicroUSD      `json:"cost"`
	Worst    MicroUSD      `json:"worst"`  // bound on the cost before the call
	Priced   bool          `json:"priced"` // false: the model has no known price and Cost is unknown, not 0
	// Failure is empty after success, else the name of a failure kind.
	Failure string `json:"failure,omitempty"`
	// Cause explains Failure, for the log alone: a status and a code, or the text of
	// an error of unknown kind.
	Cause string `json:"-"`
	// PromptLength and ResponseLength count characters; texts are never kept.
	PromptLength   int `json:"prompt_length"`
	ResponseLength int `json:"response_length"`
}

// Action is what is done about a text that may be an attack.
type Action string

const (
	Allow  Action = "allow"
	Care   Action = "care"   // answered by a harder prompt, without tools, and not cached
	Refuse Action = "refuse" // answered by a polite sentence
)

// Verdict is a guard's judgement that explains itself.
type Verdict struct {
	Action Action  `json:"action"`
	Rule   string  `json:"rule,omitempty"` // what spoke for it, from a closed set
	Score  float64 `json:"score"`          // log odds of an attack
	// Stage is where it was judged: question or answer. Enforced tells whether it
	// was acted upon.
	Stage    string `json:"stage,omitempty"`
	Enforced bool   `json:"enforced,omitempty"`
}
