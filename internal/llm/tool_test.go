package llm

import (
	"io"
	"slices"
	"testing"

	"kefu/internal/desk"
)

func TestCitableCountsAsTheMessagesDo(t *testing.T) {
	p := Prompt{
		Sources: []desk.Passage{{Chunk: desk.Chunk{ID: "page"}}},
		Rounds: []ToolRound{
			{Results: []ToolResult{{Tool: "a", Text: "one"}, {Tool: "b", Failed: true}}},
			{Results: []ToolResult{{Tool: "a", Title: "A", Text: "two"}}},
		},
	}
	var ids []desk.ChunkID
	for _, s := range p.Citable() {
		ids = append(ids, s.ID)
	}
	if want := []desk.ChunkID{"page", "tool:a:2", "tool:a:3"}; !slices.Equal(ids, want) {
		t.Errorf("citable = %v, want %v", ids, want)
	}
	if last := p.Citable()[2]; last.Text != "two" || last.Title != "A" || last.Document != "tool:a" {
		t.Errorf("the last passage = %+v", last)
	}
	if len(p.Sources) != 1 {
		t.Error("the prompt's own sources changed")
	}
}

func TestWholeJoinsTextsAndCalls(t *testing.T) {
	r := NewReply(Delta{Text: "a"}, &script{deltas: []string{"b"}, err: io.EOF})
	if d, err := r.Whole(); err != nil || d.Text != "ab" || d.Calls != nil {
		t.Errorf("Whole = %+v, %v, want ab", d, err)
	}
	call := ToolCall{ID: "1", Name: "order_status", Arguments: "{}"}
	if d, err := WholeReply("", desk.Usage{}, call).Whole(); err != nil || !slices.Equal(d.Calls, []ToolCall{call}) {
		t.Errorf("Whole = %+v, %v, want one call", d, err)
	}
}
