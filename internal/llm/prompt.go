package llm

import "kefu/internal/desk"

// Prompt is structured, so that the offline model and the verifier read the
// same sources that a language model is shown as text.
type Prompt struct {
	// System holds the instructions; it never contains customer text.
	System string
	// Question is what is asked, standing alone.
	Question desk.Masked
	Lang     desk.Lang
	// Route is how the answer is composed; the offline model reads Pleasantry.
	Route desk.Route
	// Sources are numbered from 1 in this order; answers cite them as [n].
	Sources []desk.Passage
	// Doubtful says that the words of the sources do not tell whether they answer
	// the question: a model that goes by words is to decline.
	Doubtful bool
	// Rounds is what the model asked of its tools so far. The results are
	// numbered on after the sources.
	Rounds []ToolRound
}

// NoAnswer is the whole reply of a model whose sources do not answer.
const NoAnswer = "NO_ANSWER"

// Message is one message of a chat protocol.
type Message struct {
	Role string // system, user, assistant or tool
	Text string
	// Calls are what the assistant asked for; CallID is the call whose result a
	// tool's message holds.
	Calls  []ToolCall
	CallID string
}
