package llm

import (
	"strings"

	"kefu/internal/desk"
)

// Prompt is what a model is given, in parts: chat models are shown them as text
// (Messages), the offline model and the verifier read the sources themselves.
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
	// Doubtful says that by their words alone the sources may not answer the
	// question. A model that understands no more than words declines.
	Doubtful bool
	// Rounds are the calls of tools so far. Their results are numbered on after
	// the sources.
	Rounds []ToolRound
}

// NoAnswer is the whole reply of a model whose sources do not answer the
// question. Some
// models put it in quotes or in bold, or add why.
const NoAnswer = "NO_ANSWER"

// Declines tells whether a reply says that the sources do not answer.
func Declines(reply string) bool { return strings.HasPrefix(unadorned(reply), NoAnswer) }

// MayDecline tells whether a reply that begins so declines, or may come to.
func MayDecline(begun string) bool {
	return Declines(begun) || strings.HasPrefix(NoAnswer, unadorned(begun))
}

// unadorned is text without what may stand before its first word.
func unadorned(text string) string { return strings.TrimLeft(text, " \t\r\n*_`#>\"'“‘「") }

// Message is one message of a chat protocol.
type Message struct {
	Role string // system, user, assistant or tool
	Text string
	// Calls are the tools that the assistant asked for. CallID is set in a tool's
	// message: the ID of the call whose result it holds.
	Calls  []ToolCall
	CallID string
}
