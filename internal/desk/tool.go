package desk

import "time"

// ToolOutcome is how the use of a tool ended, a closed set for metrics.
type ToolOutcome string

const (
	ToolStarted ToolOutcome = "started" // under way
	ToolDone    ToolOutcome = "done"
	ToolFailed  ToolOutcome = "failed"  // the tool answered that it cannot
	ToolInvalid ToolOutcome = "invalid" // no such tool, or arguments that it does not take
	ToolTimeout ToolOutcome = "timeout"
	ToolError   ToolOutcome = "error"   // no answer, or one that cannot be used
	ToolUnknown ToolOutcome = "unknown" // a write of which nobody knows whether it was done
	ToolWaiting ToolOutcome = "waiting" // a write that the customer has to confirm
)

// ToolUse is one use of a tool for an answer. It holds neither arguments nor
// results.
type ToolUse struct {
	Tool     string        `json:"tool"`
	Title    string        `json:"title"` // in the customer's language
	Write    bool          `json:"write,omitempty"`
	Outcome  ToolOutcome   `json:"outcome"`
	Duration time.Duration `json:"ns"`
}

// Confirmation is what a customer must agree to before a tool changes
// something. It is not masked: it is shown to the asker alone and kept nowhere.
type Confirmation struct {
	Tool     string `json:"tool"`
	Question string `json:"question"` // says what will be done, in the customer's language
	// Token stands for this one action of this customer. Given back, it carries
	// the action out; given back again, it does not repeat it.
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// LoopStop is why a tool loop ended, a closed set for metrics.
type LoopStop string

const (
	StopAnswered     LoopStop = "answered"     // the model wanted no more tools
	StopSteps        LoopStop = "steps"        // it had to answer after its last step
	StopCalls        LoopStop = "calls"        // all tools it may use were used
	StopTime         LoopStop = "time"         // the deadline is near
	StopAttempts     LoopStop = "attempts"     // the allowance has one attempt left
	StopMalformed    LoopStop = "malformed"    // its arguments were wrong again after repair
	StopConfirmation LoopStop = "confirmation" // the customer is asked first
	StopFailed       LoopStop = "failed"       // the model could not be reached
)
