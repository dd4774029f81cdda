package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"kefu/internal/access"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/web"
)

// act is how the scripted desk treats one question.
type act func(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error)

// scripted is a desk behind the real HTTP edge: it plays its acts in turn.
type scripted struct {
	url     string
	proceed chan struct{} // lets a pause end
	left    chan error    // why a paused question was given up

	mu    sync.Mutex
	acts  []act
	asked []desk.Ask
	rated []string // answer, rating, reason and comment
	rater desk.UserID
	deaf  bool // takes no ratings
}

type silent struct{}

func (silent) InFlight(int)                               {}
func (silent) Request(string, string, int, time.Duration) {}
func (silent) RateLimited(string, string)                 {}
func (silent) StreamAborted(string)                       {}
func (silent) Error(context.Context, error)               {}

const testKey = "0123456789abcdef0123456789abcdef"

// serve starts a desk that wants the key, if any, and may be shown on the websites.
func serve(t *testing.T, key string, websites ...string) *scripted {
	t.Helper()
	return serveWith(t, web.Face{}, key, websites...)
}

func serveWith(t *testing.T, face web.Face, key string, websites ...string) *scripted {
	t.Helper()
	return serveAt(t, httpapi.Config{Keys: access.New(nil, key, slog.New(slog.DiscardHandler)), Chat: web.Chat(face), Widget: web.Widget(face, websites)})
}

// serveAt starts a desk behind an edge.
func serveAt(t *testing.T, edge httpapi.Config) *scripted {
	t.Helper()
	s := &scripted{proceed: make(chan struct{}), left: make(chan error, 1)}
	edge.Feedback, edge.Logger = s, slog.New(slog.DiscardHandler)
	api := httpapi.New(edge, s, silent{})
	server := httptest.NewServer(api.Handler())
	t.Cleanup(server.Close)
	s.url = server.URL + "/"
	return s
}

func (s *scripted) plays(acts ...act) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acts = append(s.acts, acts...)
}

func (s *scripted) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, ask := range s.asked {
		texts = append(texts, ask.Text)
	}
	return texts
}

// last is the latest question.
func (s *scripted) last() desk.Ask {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[len(s.asked)-1]
}

func (s *scripted) Answer(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
	s.mu.Lock()
	s.asked = append(s.asked, ask)
	var next act = says(desk.Answer{Text: "…"})
	if len(s.acts) > 0 {
		next, s.acts = s.acts[0], s.acts[1:]
	}
	s.mu.Unlock()
	return next(ctx, ask, emit)
}

func (s *scripted) Rate(_ context.Context, scope desk.Scope, f desk.Feedback, comment string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return &desk.Error{Kind: desk.Unavailable, Code: "scripted"}
	}
	s.rater = scope.User
	s.rated = append(s.rated, fmt.Sprint(f.Answer, " ", f.Rating, " ", f.Reason, " ", comment))
	return nil
}

// ratings are all that were taken; while deaf, none are.
func (s *scripted) ratings(deaf bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = deaf
	return slices.Clone(s.rated)
}

// pause waits for the test, or for the customer to leave.
func (s *scripted) pause(ctx context.Context) error {
	select {
	case <-s.proceed:
		return nil
	case <-ctx.Done():
		select {
		case s.left <- ctx.Err():
		default: // nobody asked about an earlier one
		}
		return ctx.Err()
	}
}

func (s *scripted) resume(t *testing.T) {
	t.Helper()
	select {
	case s.proceed <- struct{}{}:
	case <-time.After(patience):
		t.Fatal("no question is waiting")
	}
}

// says streams an answer in one piece, as a cache does.
func says(a desk.Answer) act {
	return func(_ context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
		events := []desk.Event{{Type: desk.EventMeta, Answer: &a}, {Type: desk.EventDelta, Text: string(a.Text)}}
		for i := range a.Citations {
			events = append(events, desk.Event{Type: desk.EventCitation, Citation: &a.Citations[i]})
		}
		if a.Handoff != nil {
			events = append(events, desk.Event{Type: desk.EventHandoff, Handoff: a.Handoff})
		}
		for _, e := range append(events, desk.Event{Type: desk.EventUsage, Answer: &a}) {
			if err := emit(e); err != nil {
				return desk.Answer{}, err
			}
		}
		return a, nil
	}
}

func fails(kind desk.Kind) act {
	return func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) {
		code := "scripted"
		if kind == desk.OverBudget {
			code = "over_budget"
		}
		return desk.Answer{}, &desk.Error{Kind: kind, Code: code}
	}
}

// slowly streams an answer with a pause before the first delta and after the
// half of it.
func (s *scripted) slowly(a desk.Answer) act {
	return func(ctx context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
		_ = emit(desk.Event{Type: desk.EventMeta, Answer: &a})
		_ = emit(desk.Event{Type: desk.EventStatus, Text: "searching"})
		text := []rune(string(a.Text))
		for _, part := range []string{string(text[:len(text)/2]), string(text[len(text)/2:])} {
			if err := s.pause(ctx); err != nil {
				return desk.Answer{}, err
			}
			_ = emit(desk.Event{Type: desk.EventDelta, Text: part})
		}
		for i := range a.Citations {
			_ = emit(desk.Event{Type: desk.EventCitation, Citation: &a.Citations[i]})
		}
		return a, s.pause(ctx)
	}
}

// speech is a conversation in one language, as the page and the desk word it.
type speech struct {
	lang, hello, disclosure, searching, stopped, again, retry, unavailable, offline, automatic, degraded, person, complete, other, thanks, unrated string

	question, begin, bold, title, quote, unknown, offer string
	answer                                              desk.Answer
}

func speeches() map[string]speech {
	english := speech{
		lang: "en", hello: "How can we help?", disclosure: "automated assistant", searching: "Searching the knowledge base…",
		stopped: "Stopped.", again: "Ask again", retry: "Try again", unavailable: "not available", offline: "without an AI model", automatic: "Automatic reply",
		degraded: "usual model cannot be reached", person: "Talk to a person", complete: "Answer: ", other: "中文", thanks: "Thank you.", unrated: "could not be sent",
		question: "How long do I have to return a product?", begin: "You can return it within", bold: "30 days", title: "Returns and refunds",
		quote: "You may return most new, unopened items within 30 days of delivery.", unknown: "I could not find this in the knowledge base.",
		offer: "If you would like to talk to a person, write to help@shop.example.",
	}
	english.answer = desk.Answer{Text: "You can return it within **30 days** of delivery [1].\n\n- Unopened items are refunded in full.\n- Shipping is free [1] for faulty ones [2].", Lang: desk.English}
	chinese := speech{
		lang: "zh-CN", hello: "您好，需要什么帮助？", disclosure: "自动客服助手", searching: "正在查找知识库…",
		stopped: "已停止。", again: "重新提问", retry: "重试", unavailable: "暂时不可用", offline: "未使用 AI 模型", automatic: "自动回复",
		degraded: "暂时无法使用常用模型", person: "联系人工客服", complete: "回答：", other: "English", thanks: "谢谢您的反馈。", unrated: "未能提交",
		question: "签收后多少天内可以退货？", begin: "您可以在签收后", bold: "30 天", title: "退货与退款",
		quote: "大多数未拆封的新商品可在签收后 30 天内退货。", unknown: "知识库中没有找到答案。",
		offer: "如需人工帮助，您可以发邮件至 help@shop.example。",
	}
	chinese.answer = desk.Answer{Text: "您可以在签收后 **30 天**内退货 [1]。\n\n1. 未拆封的商品全额退款。\n2. 有质量问题的商品 [2]，运费由我们承担 [1]。", Lang: desk.Chinese}
	all := map[string]speech{"en-GB": english, "zh-CN": chinese}
	for locale, s := range all {
		s.answer.ID, s.answer.Grounded, s.answer.Provider, s.answer.Model = "ans_1", true, "offline", "offline-extractive"
		s.answer.Citations = []desk.Citation{
			{Index: 1, Document: "returns", Title: s.title, URL: "https://shop.example/returns", Quote: s.quote},
			{Index: 2, Document: "faulty", Title: s.title + " 2", Quote: s.quote},
		}
		all[locale] = s
	}
	return all
}
