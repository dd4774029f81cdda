package store_test

import (
	"slices"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestPairsAreTheDocumentsOfOneQuestionAndTheLatestFirst(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		pair := func(id, source string, chunks int) desk.Prepared {
			p := document(id, chunks, 0)
			p.Document.Source, p.Document.Kind = source, desk.FAQ
			for i := range p.Chunks {
				p.Chunks[i].Question = "Why " + id + "?"
			}
			return p
		}
		page := document("page", 1, 0)
		page.Document.Source = "console"
		publish(t, db, []desk.Prepared{pair("a", "console", 1), pair("b", "console", 1), pair("file", "docs", 1), pair("many", "console", 2), page})
		publish(t, db, []desk.Prepared{pair("c", "console", 1)})
		list := func(tenant desk.TenantID, q desk.PairQuery) (ids []desk.DocumentID) {
			q.Source = "console"
			for {
				got, err := db.Documents().Pairs(t.Context(), tenant, q, 1)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) == 0 {
					return ids
				}
				ids = append(ids, got[0].Document)
				q.Before, q.BeforeID = got[0].UpdatedAt, got[0].Document
			}
		}
		for _, tt := range []struct {
			q    desk.PairQuery
			want []desk.DocumentID
		}{
			{desk.PairQuery{}, []desk.DocumentID{"c", "b", "a"}},
			{desk.PairQuery{Document: "b"}, []desk.DocumentID{"b"}},
			{desk.PairQuery{Document: "file"}, nil},
			{desk.PairQuery{Question: "Why a?"}, []desk.DocumentID{"a"}},
			{desk.PairQuery{Path: "c.md"}, []desk.DocumentID{"c"}},
		} {
			if got := list(tenant, tt.q); !slices.Equal(got, tt.want) {
				t.Errorf("%+v = %v, want %v", tt.q, got, tt.want)
			}
		}
		if got := list("other", desk.PairQuery{}); len(got) != 0 {
			t.Errorf("another tenant's = %v", got)
		}
		got, err := db.Documents().Pairs(t.Context(), tenant, desk.PairQuery{Source: "console", Document: "a"}, 1)
		if err != nil || len(got) != 1 || got[0].Question != "Why a?" || got[0].Answer != "Text 0 of a. 退货政策。" || got[0].Path != "a.md" || got[0].URL != "https://example.com/a" || got[0].Revision == 0 {
			t.Errorf("pair = %+v, %v", got, err)
		}
	})
}
