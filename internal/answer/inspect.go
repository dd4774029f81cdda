package answer

import (
	"context"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/match"
	"kefu/internal/retrieval"
)

// Inspect shows the k best passages that the search of the complex route finds
// for a question, and which of them would enter the prompt. Nothing is answered,
// and nothing recorded but the call of the embedder.
func (s *Service) Inspect(ctx context.Context, scope desk.Scope, text string, k int) (desk.Inspection, error) {
	q, _, err := s.screen(desk.Ask{Scope: scope, Text: text})
	if err != nil {
		return desk.Inspection{}, err
	}
	q.Topic = s.topic(q)
	s.catchUp(ctx)
	view := s.Knowledge.View(scope.Tenant)
	allowance := llm.NewAllowance(llm.Grant{Tenant: scope.Tenant, Attempts: 2}, s.Ledger)
	tr := &desk.Trace{}
	vector := s.embed(ctx, q, allowance, tr)
	asked := retrieval.Query{Text: string(q.Text), Lang: q.Lang, Vector: vector, K: max(k, candidates)}
	found, err := view.Search(ctx, asked)
	if err := s.byWords(ctx, err, tr); err != nil {
		return desk.Inspection{}, err
	}
	fates := s.fates(asked.Text, found)
	if s.refuses(asked, found, view, tr) {
		for i := range fates {
			fates[i] = fate{cut: desk.CutAbstained}
		}
	}
	in := desk.Inspection{
		Question: q.Text, Lang: q.Lang, Route: s.Router.Decide(string(q.Text)), Revision: view.Revision(), ByWords: vector == nil || tr.ByWords,
		Answerable: tr.Answerable,
		Hits:       make([]desk.Hit, min(k, len(found))),
	}
	for i := range in.Hits {
		in.Hits[i] = desk.Hit{Passage: found[i], Terms: view.Matched(string(q.Text), found[i].ID), Cut: fates[i].cut, Of: fates[i].of}
	}
	return in, nil
}

// Curated tells whether the knowledge base holds a written answer to this very
// question. It takes about a millisecond and calls no model.
func (s *Service) Curated(tenant desk.TenantID, question desk.Masked) bool {
	asked := match.Read(string(question))
	return slices.ContainsFunc(s.Knowledge.View(tenant).Lexical(string(question), simpleCandidates), func(p desk.Passage) bool {
		if p.Question == "" {
			return false
		}
		_, same := asked.Same(s.questions.Read(p.Question))
		return same
	})
}
