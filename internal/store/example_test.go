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
		Document: desk.Document{ID: "returns", Path: "returns.md", Title: "Returns", Lang: desk.English, Kind: desk.Page, Hash: "1"},
		Chunks:   []desk.Chunk{{ID: "returns#0", Text: "You may return it within 30 days."}},
	}
	if err := db.Documents().Stage(ctx, desk.DefaultTenant, []desk.Prepared{returns}); err != nil {
		panic(err)
	}
	release, err := db.Documents().Publish(ctx, desk.DefaultTenant, desk.Change{
		Kind: desk.ReleaseEdit, Author: "an operator", Put: []desk.Version{{Document: "returns", Hash: "1"}},
	})
	if err != nil {
		panic(err)
	}
	docs, err := db.Documents().List(ctx, desk.DefaultTenant)
	if err != nil {
		panic(err)
	}
	fmt.Println(release.Revision, docs[0].Title, docs[0].Chunks)
	// Output: 1 Returns 1
}
