package answer

import (
	"context"
	"errors"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// saying is what a customer is told when the models failed, without the cause. Its
// kind decides the HTTP status.
type saying struct {
	kind   desk.Kind
	code   string
	en, zh string
}

// sayings has an entry for each kind of failure.
var sayings = map[llm.FailureKind]saying{
	llm.RateLimited: {
		desk.Unavailable, "models_busy",
		"Many questions are coming in right now. Please try again in a moment.",
		"现在咨询的人比较多，请稍后再试。",
	},
	llm.QuotaExhausted: unavailable,
	llm.ContextTooLong: {
		desk.TooLarge, "prompt_too_long",
		"That is more than I can take in at once. Please ask in fewer words.",
		"内容太长，我一次处理不了，请问得简短一些。",
	},
	llm.TimedOut: {
		desk.TimedOut, "answer_timed_out",
		"Sorry, the answer took too long. Please try again in a moment.",
		"抱歉，回答花的时间太长了，请稍后再试。",
	},
	llm.Unauthorised: unavailable,
	llm.Unavailable:  unavailable,
	llm.ModelGone:    unavailable,
	llm.Refused: {
		desk.Invalid, "content_refused",
		"I cannot help with this question. Please put it in other words, or ask a person.",
		"这个问题我无法回答，请换个说法，或者联系人工客服。",
	},
	llm.BadRequest: {
		desk.Internal, "models_rejected",
		"Sorry, something went wrong on our side. Please try again later.",
		"抱歉，我们这边出了点问题，请晚些时候再试。",
	},
	llm.InvalidReply: unavailable,
	llm.Cut: {
		desk.Unavailable, "answer_cut",
		"Sorry, my answer broke off. Please ask again.",
		"抱歉，刚才的回答中断了，请再问一次。",
	},
	llm.Cancelled: {
		desk.Cancelled, "cancelled",
		"The question was withdrawn.",
		"提问已取消。",
	},
	llm.Unreachable: unavailable,
	llm.Exhausted:   unavailable,
	llm.Ungrounded: {
		desk.Unavailable, "answer_ungrounded",
		"I found no answer that I can prove. Please ask a person.",
		"我没有找到有依据的回答，请联系人工客服。",
	},
	llm.Unknown: unavailable,
}

var unavailable = saying{
	desk.Unavailable, "models_unavailable",
	"Sorry, I cannot answer right now. Please try again in a moment.",
	"抱歉，我暂时无法回答，请稍后再试。",
}

// busy is said when the gate refuses a question.
var busy = sayings[llm.RateLimited]

// crowded puts the refusal of the gate into words.
func crowded(q desk.Question, err error) error {
	if refused, ok := errors.AsType[*desk.Error](err); ok {
		refused.Public = busy.in(q.Lang)
	}
	return err
}

// in is the sentence in a language.
func (s saying) in(l desk.Lang) string {
	if l == desk.Chinese {
		return s.zh
	}
	return s.en
}

// failed turns the error of a question into one for its asker, a *desk.Error, and
// counts it. The error of a caller who left stays as it is and is not counted.
func (s *Service) failed(q desk.Question, err error) error {
	var said *desk.Error
	if errors.As(err, &said) {
		if said.Kind == desk.Internal {
			s.count(q)
		}
		return err
	}
	kind := llm.KindOf(err)
	if errors.Is(err, context.Canceled) || kind == llm.Cancelled {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, llm.ErrNoTime) {
		kind = llm.TimedOut
	}
	s.count(q)
	if errors.Is(err, llm.ErrNoMoney) { // it comes so far only without a last resort
		return &desk.Error{Kind: desk.OverBudget, Code: "over_budget", Err: err}
	}
	say := sayings[kind]
	out := &desk.Error{Kind: say.kind, Code: say.code, Public: say.in(q.Lang), Err: err}
	if failure, ok := errors.AsType[*llm.Failure](err); ok {
		out.RetryAfter = failure.RetryAfter
	}
	return out
}

func (s *Service) count(q desk.Question) {
	s.Observer.Answered(q.Scope.Tenant, desk.Answer{Outcome: desk.ErrOutcome, Lang: q.Lang, Latency: time.Since(q.Asked)})
}
