package answer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/lang"
	"kefu/internal/llm"
	"kefu/internal/match"
	"kefu/internal/retrieval"
)

const (
	// candidates is how many passages a hybrid search returns before packing,
	// simpleCandidates how many a search by words for a simple question.
	candidates       = 24
	simpleCandidates = 8
	// strongMatch is the share of a simple question's content terms that a
	// passage must hold to ride along in the one cheap call.
	strongMatch = 0.5
	// curatedCandidates is how many question–answer pairs are compared with a
	// simple question.
	curatedCandidates = 3
	// simplePassages bounds what rides along.
	simplePassages = 2
	// overview is up to how many tokens a passage above sections is taken for
	// one that says little without them. One among so many of the best takes so
	// many of its sections along.
	overview, opening, opened = 60, 3, 2
	// partCandidates is how many passages are found for each thing of several
	// that a question asks, and standsAlone how many content terms it must have
	// to be understood without the first.
	partCandidates = 2
	standsAlone    = 3
	// relevant is the share of the best score below which a passage is left
	// out, once the minimum number is reached.
	relevant = 0.5
)

// ground finds what the answer may rest on: nothing for a pleasantry, curated
// answers and strongly matching passages for a simple question, a hybrid
// search for the others. Of what was found, no more than sources may be told.
func (s *Service) ground(ctx context.Context, q desk.Question, r desk.Route, view *knowledge.View, allowance *llm.Allowance, tr *desk.Trace) (found, sources []desk.Passage, err error) {
	if r.Pleasantry {
		return nil, nil, nil
	}
	start := time.Now()
	defer tr.Took("ground", start)
	asked := retrieval.Query{Text: string(q.Text), Lang: q.Lang, K: candidates}
	if r.Kind == desk.Simple {
		found = view.Lexical(asked.Text, simpleCandidates)
		if s.cfg.Abstain > 0 { // where the embedder goes by words, it costs no call
			asked.Vector = s.embed(ctx, q, allowance, tr)
			if err := s.byWords(ctx, view.Compare(ctx, asked, found), tr); err != nil {
				return nil, nil, err
			}
		}
		if !s.refuses(asked, found, view, tr) {
			sources = s.strong(string(q.Text), found)
		}
		s.Observer.Retrieved("lexical", time.Since(start))
		return found, sources, nil
	}
	asked.Vector = s.embed(ctx, q, allowance, tr)
	s.Observer.Retrieved("embed", time.Since(start))
	start = time.Now()
	found, err = view.Search(ctx, asked)
	if err := s.byWords(ctx, err, tr); err != nil {
		return nil, nil, err
	}
	s.Observer.Retrieved("search", time.Since(start))
	if len(found) == 0 {
		s.Observer.RetrievedTop(0, true)
		return nil, nil, nil
	}
	s.Observer.RetrievedTop(found[0].Score, false)
	if s.refuses(asked, found, view, tr) {
		return found, nil, nil
	}
	more, err := besides(ctx, asked, found, view)
	if err != nil {
		return nil, nil, err
	}
	return found, s.pack(asked.Text, withSections(more)), nil
}

// withSections puts behind a passage among the best that only opens what stands
// in sections below it the first of those that were found.
func withSections(found []desk.Passage) []desk.Passage {
	at := slices.IndexFunc(found[:min(opening, len(found))], func(p desk.Passage) bool { return opens(p, found) })
	if at < 0 {
		return found
	}
	var sections, others []desk.Passage
	for _, p := range found[at+1:] {
		if found[at].Opens(p.Chunk) {
			sections = append(sections, p)
		} else {
			others = append(others, p)
		}
	}
	slices.SortFunc(sections, func(a, b desk.Passage) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	n := min(opened, len(sections))
	return slices.Concat(found[:at+1], sections[:n], others, sections[n:])
}

// opens tells whether p is a short passage above sections of which some were
// found.
func opens(p desk.Passage, found []desk.Passage) bool {
	return p.Tokens <= overview && slices.ContainsFunc(found, func(o desk.Passage) bool { return p.Opens(o.Chunk) })
}

// besides puts among what was found for a question that asks several things
// what is found by words for each of them, in turn: passages that answer one
// hold few words of the whole.
func besides(ctx context.Context, asked retrieval.Query, found []desk.Passage, view *knowledge.View) ([]desk.Passage, error) {
	questions, _ := lang.Questions(asked.Text)
	if len(questions) == 1 {
		return found, nil
	}
	lists := [][]desk.Passage{found}
	for i, question := range questions {
		if i > 0 && len(lang.ContentTerms(question)) < standsAlone {
			question = questions[0] + " " + question // "and how long does it take?"
		}
		list, err := view.Search(ctx, retrieval.Query{Text: question, Lang: asked.Lang, K: partCandidates})
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	var merged []desk.Passage
	seen := map[desk.ChunkID]bool{}
	for n := range found {
		for _, list := range lists {
			if n < len(list) && !seen[list[n].ID] {
				seen[list[n].ID] = true
				merged = append(merged, list[n])
			}
		}
	}
	return merged, nil
}

// refuses tells whether the passages found speak too little for an answer to
// ask any model for one.
func (s *Service) refuses(asked retrieval.Query, found []desk.Passage, view *knowledge.View, tr *desk.Trace) bool {
	if s.cfg.Abstain == 0 {
		return false
	}
	tr.Answerable = s.evidence.Answerable(view.Evidence(asked, found))
	if s.cfg.LanguageModel {
		return tr.Answerable < mayHelp*s.cfg.Abstain
	}
	return s.doubts(tr)
}

// doubts tells whether the passages found speak too little for an answer to
// ask a model that goes by words.
func (s *Service) doubts(tr *desk.Trace) bool { return tr.Answerable < s.cfg.Abstain }

// embed returns the question's vector, or nil when the embedder fails or may
// not see it: words alone then find the passages.
func (s *Service) embed(ctx context.Context, q desk.Question, allowance *llm.Allowance, tr *desk.Trace) []float32 {
	if q.Topic != "" && !s.cfg.PrivateEmbedder {
		return nil
	}
	e, err := s.Embedder.Embed(ctx, llm.EmbedCall{Texts: []desk.Masked{q.Text}, Allowance: allowance})
	if err != nil {
		tr.ByWords = true
		s.Observer.ByWords(ctx, "embedder", err)
		return nil
	}
	return e.Vectors[0]
}

// byWords lets a search pass that found passages by words alone.
func (s *Service) byWords(ctx context.Context, err error, tr *desk.Trace) error {
	if !errors.Is(err, retrieval.ErrVectors) {
		return err
	}
	tr.ByWords = true
	s.Observer.ByWords(ctx, "vectors", err)
	return nil
}

// strong picks what rides along with a simple question: a curated answer to
// the same question first, then passages that hold most of its words.
func (s *Service) strong(question string, found []desk.Passage) []desk.Passage {
	var curated []desk.Passage
	covering := make([]desk.Passage, 0, len(found))
	asked := sync.OnceValue(func() match.Question { return match.Read(question) }) // takes 12 µs
	compared := 0
	for _, p := range found {
		if p.Question != "" && p.Coverage >= strongMatch && compared < curatedCandidates {
			compared++
			if similarity, same := asked().Same(s.questions.Read(p.Question)); same {
				p.Score = similarity
				curated = append(curated, p)
				continue
			}
		}
		if p.Coverage >= strongMatch {
			covering = append(covering, p) // best BM25 first
		}
	}
	picked := covering
	if len(curated) > 0 {
		slices.SortStableFunc(curated, func(a, b desk.Passage) int { return cmp.Compare(b.Score, a.Score) })
		picked = slices.Concat(curated, covering)
	}
	if len(picked) > 0 && opens(picked[0], picked) {
		picked = withSections(picked)
	}
	return picked[:min(simplePassages, len(picked))]
}

// pack keeps the passages that enter the prompt.
func (s *Service) pack(question string, found []desk.Passage) []desk.Passage {
	var out []desk.Passage
	for i, fate := range s.fates(question, found) {
		if fate.cut == desk.Kept {
			out = append(out, found[i])
		}
	}
	return out
}

// fate is what becomes of a passage that was found.
type fate struct {
	cut desk.Cut
	of  desk.ChunkID // the passage that it repeats
}

// fates tells which of the passages, best first, enter the prompt: the best
// that fit into its token budget and do not repeat a better one, at least the
// minimum where there are as many, then only relevant ones; one that mostly
// repeats, by as much of its score as is not said yet. Of what private models
// alone may be shown, and of what was flagged, only relevant passages do at all:
// they decide who is asked, and how.
func (s *Service) fates(question string, found []desk.Passage) []fate {
	fates := make([]fate, len(found))
	kept, left, shown := 0, s.cfg.PromptTokens, newShown(question)
	for i, p := range found {
		if kept == s.cfg.MaxPassages {
			fates[i].cut = desk.CutEnough
			continue
		}
		least := relevant * found[0].Score
		if (kept >= s.cfg.MinPassages || p.LocalOnly || flagged(p)) && p.Score < least {
			fates[i].cut = desk.CutIrrelevant
			continue
		}
		this := readTold(p)
		of, share, repeat := shown.repeats(this)
		switch {
		case repeat || kept >= s.cfg.MinPassages && share >= mostly && p.Score*(1-share) < least:
			fates[i] = fate{desk.CutRepeats, of}
		case p.Tokens > left:
			fates[i].cut = desk.CutTokens // a shorter one may still fit
		default:
			kept++
			left -= p.Tokens
			shown.add(this)
		}
	}
	return fates
}
