package httpapi

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
	"kefu/internal/limit"
)

// Limiter decides whether a caller may ask now, and reads key from Redis in the
// same round trip (see desk.Admit). The verdict's Leave is called when a caller
// who was let in has their answer.
type Limiter interface {
	Enter(ctx context.Context, c limit.Caller, key string) limit.Verdict
}

// priorityHeader tells whether somebody waits for the answer ("interactive", the
// default) or nobody does ("batch").
const priorityHeader = "X-Kefu-Priority"

// answer asks the Answerer, with the caller's limits as ask.Admit.
func (api *API) answer(ctx context.Context, c *gin.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
	switch priority := c.GetHeader(priorityHeader); priority {
	case "", "interactive":
	case "batch":
		ask.Batch = true
	default:
		return desk.Answer{}, invalid("priority_unknown", priorityHeader, "The priority "+quoted(priority)+" is neither interactive nor batch.")
	}
	if api.cfg.Limiter == nil {
		return api.answerer.Answer(ctx, ask, emit)
	}
	var v limit.Verdict
	ask.Admit = func(ctx context.Context, key string) (desk.Along, error) {
		var err error
		v, err = api.enter(ctx, c, ask.Scope, key)
		return v.Along, err
	}
	tokens := 0
	defer func() { v.Leave(tokens) }()
	a, err := api.answerer.Answer(ctx, ask, emit)
	if a.CacheTier == "" {
		tokens = a.Usage.Total()
	}
	return a, err
}

// enter counts a request against the caller's limits; the error says that one of
// them is reached. The verdict's Leave must be called when the request ends.
func (api *API) enter(ctx context.Context, c *gin.Context, scope desk.Scope, key string) (limit.Verdict, error) {
	if api.cfg.Limiter == nil {
		return limit.Verdict{}, nil
	}
	v := api.cfg.Limiter.Enter(ctx, limit.Caller{Scope: scope, Address: address(c), Website: callerOf(c).Role == desk.RoleWidget}, key)
	setLimits(c, v)
	if v.Refused == "" {
		return v, nil
	}
	api.observer.RateLimited(v.Scope, v.Refused)
	return limit.Verdict{}, tooMany(v)
}

func tooMany(v limit.Verdict) error {
	e := &desk.Error{Kind: desk.RateLimited, Code: "rate_limited", RetryAfter: v.Wait}
	switch v.Refused {
	case limit.Tokens:
		e.Public = "The answers of the last minute took too many tokens; try again later."
	case limit.Concurrent:
		e.Code, e.Public = "too_many_concurrent", "Too many of your requests are under way; wait for one of them."
	}
	return e
}

// setLimits tells the caller what is left: in the form of the IETF's draft,
// and in OpenAI's, which their clients read.
func setLimits(c *gin.Context, v limit.Verdict) {
	if v.Limit == 0 {
		return
	}
	reset := int((v.Reset + time.Second - 1) / time.Second)
	c.Header("RateLimit-Policy", fmt.Sprintf(`"requests";q=%d;w=60`, v.Limit))
	c.Header("RateLimit", fmt.Sprintf(`"requests";r=%d;t=%d`, v.Remaining, reset))
	c.Header("X-Ratelimit-Limit-Requests", strconv.Itoa(v.Limit))
	c.Header("X-Ratelimit-Remaining-Requests", strconv.Itoa(v.Remaining))
	c.Header("X-Ratelimit-Reset-Requests", strconv.Itoa(reset)+"s")
}
