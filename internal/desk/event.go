package desk

// Event is one thing that happens while an answer is composed. JSON callers
// ignore them; streaming callers write them out in order.
type Event struct {
	Type     EventType
	Text     string    // Delta: a piece of the answer; Status: the stage
	Citation *Citation // Citation
	Handoff  *Handoff  // Handoff
	Tool     *ToolUse  // Tool
	Verdict  *Verdict  // Guard: one that was acted upon
	Answer   *Answer   // Meta (what is known so far), Usage, Done
}

// EventType is a closed set, named as on the wire.
type EventType string

const (
	EventMeta     EventType = "meta"
	EventStatus   EventType = "status"
	EventDelta    EventType = "delta"
	EventCitation EventType = "citation"
	EventGuard    EventType = "guard"
	EventTool     EventType = "tool"
	EventHandoff  EventType = "handoff"
	EventUsage    EventType = "usage"
	EventDone     EventType = "done"
)

// Emit receives events in order. An error means that nobody listens any more.
type Emit func(Event) error

// Discard is the Emit of a caller that wants only the result.
func Discard(Event) error { return nil }
