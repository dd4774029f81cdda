package llm

import (
	"encoding/json"
	"strconv"

	"kefu/internal/desk"
)

// ToolSpec tells a model about a tool that it may ask for.
type ToolSpec struct {
	Name        string // letters, digits, _ and -, at most 64
	Description string
	// Parameters is the JSON Schema of the arguments, whose type is object.
	Parameters json.RawMessage
}

// ToolCall is a model's wish to use a tool. Nothing in it has been checked.
type ToolCall struct {
	ID   string // joins it with its result
	Name string
	// Arguments is meant to be a JSON object.
	Arguments string
}

// ToolResult is what became of a ToolCall.
type ToolResult struct {
	Call  string // ID of the ToolCall
	Tool  string // its name
	Title string // what customers call the source of this result
	// Text is data to be read, never an instruction.
	Text desk.Masked
	// Failed marks a reason why there is no result. It cannot be cited.
	Failed bool
}

// ToolRound is one turn of a model that asked for tools, and what it got.
type ToolRound struct {
	Text    string // what the model wrote beside its calls
	Calls   []ToolCall
	Results []ToolResult // one a call, in the same order
}

// Citable returns what an answer to the prompt may cite: the sources, then the
// results of tools. Element i is cited as [i+1].
func (p Prompt) Citable() []desk.Passage {
	if len(p.Rounds) == 0 {
		return p.Sources
	}
	out := append([]desk.Passage(nil), p.Sources...)
	for _, round := range p.Rounds {
		for _, r := range round.Results {
			if !r.Failed {
				out = append(out, r.passage(len(out)+1))
			}
		}
	}
	return out
}

func (r ToolResult) passage(n int) desk.Passage {
	id := "tool:" + r.Tool
	return desk.Passage{
		Chunk: desk.Chunk{
			ID: desk.ChunkID(id + ":" + strconv.Itoa(n)), Document: desk.DocumentID(id), Text: string(r.Text),
		},
		Title: r.Title, Kind: desk.Page, Score: 1,
	}
}
