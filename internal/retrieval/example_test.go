package retrieval_test

import (
	"context"
	"fmt"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

func Example() {
	passage := func(id, text string) retrieval.Item {
		return retrieval.Item{Passage: desk.Passage{Chunk: desk.Chunk{ID: desk.ChunkID(id), Document: desk.DocumentID(id), Text: text}}}
	}
	ix, err := retrieval.New(retrieval.DefaultConfig(), []retrieval.Item{
		passage("returns", "You may return any item within 30 days."),
		passage("退货", "三十天内可以退货。"),
	})
	if err != nil {
		panic(err)
	}
	next, err := ix.With(context.Background(), nil, []desk.DocumentID{"returns"})
	if err != nil {
		panic(err)
	}
	for _, question := range []string{"returning items", "怎么退货"} {
		fmt.Println(question, len(ix.Lexical(question, 3)), len(next.Lexical(question, 3)))
	}
	// Output:
	// returning items 1 0
	// 怎么退货 1 1
}
