package store_test

import (
	"context"
	"fmt"
	"os"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "kefu")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{Dir: dir})
	if err != nil {
		panic(err)
	}
	defer db.Close()

	returns := desk.Prepared{
		Document: desk.Document{ID: "returns", Path: "returns.md", Title: "Returns", Lang: desk.English, Kind: desk.Page},
		Chunks:   []desk.Chunk{{ID: "returns#0", Text: "You may return it within 30 days."}},
	}
	rev, err := db.Documents().Publish(ctx, desk.DefaultTenant, []desk.Prepared{returns}, nil)
	if err != nil {
		panic(err)
	}
	docs, err := db.Documents().List(ctx, desk.DefaultTenant)
	if err != nil {
		panic(err)
	}
	fmt.Println(rev, docs[0].Title, docs[0].Chunks)
	// Output: 1 Returns 1
}
