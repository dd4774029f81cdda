// Package offline is the provider that is always there: a model that answers by
// quoting its sources, and an embedder that goes by words. Neither needs a
// network, a key or another server.
package offline

import (
	"context"
	"errors"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/llm"
)

// Names under which the model replies.
const (
	Provider = "offline"
	ModelID  = "offline-extractive"
)

// Model answers without a language model and without a network, by quoting: it
// picks the sentences, steps or table rows of the prompt's sources that answer
// the question and cites each as [n]. It writes no sentence of its own but a
// few courtesies and NotFound, costs nothing, takes about a millisecond and is
// safe for concurrent use.
type Model struct{}

// New returns the model. It needs no configuration.
func New() *Model { return &Model{} }

// Start implements llm.Provider. The reply arrives whole, also when a stream
// was asked for, and its usage is zero. The allowance is not touched and
// MaxTokens not consulted: quotes are short. Tools are never asked for, which
// makes a reply to a call that offers some a degraded one. Errors are a context
// that has ended, and a call that wants a question rewritten or sources shortened.
func (*Model) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	if err := ctx.Err(); err != nil {
		kind := llm.Cancelled
		if errors.Is(err, context.DeadlineExceeded) {
			kind = llm.TimedOut
		}
		return nil, &llm.Failure{Kind: kind, Provider: Provider, Model: ModelID, Err: err}
	}
	if c.Purpose == desk.PurposeRewrite || c.Purpose == desk.PurposeCompress {
		return nil, &llm.Failure{Kind: llm.BadRequest, Provider: Provider, Model: ModelID, Err: errNoWriter}
	}
	reply := llm.WholeReply(answer(c.Prompt), desk.Usage{})
	reply.Provider, reply.Model = Provider, ModelID
	reply.Degraded = len(c.Tools) > 0
	return reply, nil
}

var errNoWriter = errors.New("the offline model quotes, and neither rewrites nor shortens")

// answer is the completion of p: never empty, and without a citation exactly
// when the sources do not answer.
func answer(p llm.Prompt) string {
	if p.Route.Pleasantry {
		return courtesy(string(p.Question), p.Lang)
	}
	if p.Doubtful {
		return llm.NoAnswer
	}
	for _, sources := range byLanguage(p) {
		if text := quoteParts(p, sources); text != "" {
			return text
		}
	}
	return llm.NoAnswer
}

// quoteParts answers each part of the question that has an answer. A question
// of one part is answered as a whole if it can be; one of several only when no
// part can.
func quoteParts(p llm.Prompt, sources []source) string {
	asked := string(p.Question)
	parts, context := lang.Questions(asked)
	if len(parts) == 1 {
		if text := quote(readQuestion(p, asked, ""), sources); text != "" || context == "" {
			return text
		}
	}
	var texts []string
	before := context
	for _, part := range parts {
		q := readQuestion(p, part, context)
		if len(q.facts) > 0 && !slices.ContainsFunc(q.terms, func(t string) bool { return !q.naming[t] }) {
			q = readQuestion(p, before+" "+part, context) // "and how long does it take?"
		}
		before = part
		q.part = len(parts) > 1
		text := quote(q, sources)
		if text != "" && !slices.ContainsFunc(texts, func(said string) bool { return strings.Contains(said, text) }) {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 && len(parts) > 1 {
		return quote(readQuestion(p, asked, ""), sources)
	}
	return strings.Join(texts, "\n")
}

// byLanguage reads the sources, those in the question's language apart from
// and before the others.
func byLanguage(p llm.Prompt) [2][]source {
	var groups [2][]source
	for i, passage := range p.Citable() {
		s := readSource(i+1, passage)
		group := 0
		if s.lang != p.Lang {
			group = 1
		}
		groups[group] = append(groups[group], s)
	}
	return groups
}
