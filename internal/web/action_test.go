package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
)

// asksFirst uses a tool while the test looks, then wants an action confirmed.
func (s *scripted) asksFirst(title, question string) act {
	return func(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
		use := func(tool string, outcome desk.ToolOutcome) {
			_ = emit(desk.Event{Type: desk.EventTool, Tool: &desk.ToolUse{Tool: tool, Title: title, Outcome: outcome}})
		}
		use("order_status", desk.ToolStarted)
		if err := s.pause(ctx); err != nil {
			return desk.Answer{}, err
		}
		use("order_status", desk.ToolDone)
		a := desk.Answer{Text: desk.Masked(question), Outcome: desk.Waiting, Confirm: []desk.Confirmation{{
			Tool: "cancel_order", Question: question, Token: "t0ken", Expires: time.Now().Add(time.Hour),
		}}}
		return says(a)(ctx, ask, emit)
	}
}

func TestAnActionIsConfirmedOrNotOnThePage(t *testing.T) {
	words := map[string]struct{ title, underWay, done, asks, yes, no, said, notDone string }{
		"en-GB": {"Order status", "under way", "done", "Cancel order 10002?", "Confirm", "Do not do it", "Confirmed: Cancel order 10002?", "was not done"},
		"zh-CN": {"订单状态", "进行中", "已完成", "要取消订单 10002 吗？", "确认", "不办理", "已确认： 要取消订单 10002 吗？", "没有办理"},
	}
	for locale, w := range words {
		for _, dark := range []bool{false, true} {
			v := view{locale, 360, dark}
			t.Run(v.String(), func(t *testing.T) {
				s := serve(t, "")
				p := open(t, v, s.url)
				s.plays(s.asksFirst(w.title, w.asks), says(desk.Answer{Text: "OK"}))
				p.ask("cancel order 10002")
				p.shows(".uses", w.title)
				p.shows(".uses", w.underWay)
				s.resume(t)
				p.shows(".uses", w.done)
				p.shows(".confirm p", w.asks)
				p.shows(".confirm .yes", w.yes)
				p.shows(".confirm .no", w.no)
				p.shows("[role=status]", w.asks)
				p.accessible()
				p.screenshot("8-confirm")
				p.press(".confirm .yes")
				p.shows(".question:last-of-type", w.said)
				p.shows("kefu-answer:last-of-type .text", "OK")
				p.lacks(".confirm")
				if last := s.asked[1]; last.Confirmation != "t0ken" || last.Text != "cancel order 10002" {
					t.Errorf("asked %+v", last)
				}

				s.plays(s.asksFirst(w.title, w.asks))
				p.ask("cancel order 10002")
				s.resume(t)
				p.shows(".confirm p", w.asks)
				p.press(".confirm .no")
				p.lacks(".confirm")
				p.shows(".notice", w.notDone)
				if n := len(s.questions()); n != 3 {
					t.Errorf("%d questions were asked, want 3", n)
				}
				p.accessible()
			})
		}
	}
}

func TestAConfirmationThatExpiredIsAskedAnew(t *testing.T) {
	s := serve(t, "")
	p := open(t, view{locale: "en-GB", width: 1100}, s.url)
	s.plays(s.asksFirst("Order status", "Cancel?"), func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) {
		return desk.Answer{}, &desk.Error{Kind: desk.Invalid, Code: "confirmation_expired", Field: "confirmation"}
	}, says(desk.Answer{Text: "OK"}))
	p.ask("cancel order 10002")
	s.resume(t)
	p.press(".confirm .yes")
	p.shows(".notice", "no longer valid")
	p.press(".again")
	p.shows("kefu-answer:last-of-type .text", "OK")
	if last := s.asked[2]; last.Confirmation != "" || !strings.Contains(last.Text, "10002") {
		t.Errorf("asked %+v", last)
	}
}
