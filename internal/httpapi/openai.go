package httpapi

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Model is a configured language model that callers may ask for by name.
type Model struct {
	Name     string
	Provider string
}

// Names that choose a route instead of a model.
const (
	modelAuto    = "kefu-auto"
	modelSimple  = "kefu-simple"
	modelComplex = "kefu-complex"
)

// served lists what may stand in a completion's model: the routes, then the
// configured models, each name once.
func served(configured []Model, since time.Time) []modelObject {
	list := make([]modelObject, 0, len(configured)+3)
	add := func(name, owner string) {
		if !slices.ContainsFunc(list, func(m modelObject) bool { return m.ID == name }) {
			list = append(list, modelObject{ID: name, Object: "model", Created: since.Unix(), OwnedBy: owner})
		}
	}
	for _, name := range []string{modelAuto, modelSimple, modelComplex} {
		add(name, "kefu")
	}
	for _, m := range configured {
		add(m.Name, m.Provider)
	}
	return list
}

// model finds what is served under a name.
func (api *API) model(name string) (modelObject, error) {
	i := slices.IndexFunc(api.models, func(m modelObject) bool { return m.ID == name })
	if i < 0 {
		return modelObject{}, &desk.Error{
			Kind: desk.NotFound, Code: "model_not_found", Field: "model",
			Public: "There is no such model; GET /v1/models lists them.",
		}
	}
	return api.models[i], nil
}

// listModels answers GET /v1/models.
func (api *API) listModels(c *gin.Context) {
	api.writeJSON(c, http.StatusOK, "application/json", modelList{Object: "list", Data: api.models})
}

// showModel answers GET /v1/models/{model}; names may contain slashes.
func (api *API) showModel(c *gin.Context) {
	m, err := api.model(strings.TrimPrefix(c.Param("model"), "/"))
	if err != nil {
		api.fail(c, err)
		return
	}
	api.writeJSON(c, http.StatusOK, "application/json", m)
}

// complete answers POST /v1/chat/completions, for clients made for OpenAI.
func (api *API) complete(c *gin.Context) {
	req, ask, err := api.completionAsk(c)
	if err != nil {
		api.fail(c, err)
		return
	}
	head := completionHead{ID: "chatcmpl-" + rand.Text(), Created: time.Now().Unix(), Model: req.Model}
	if req.Stream {
		api.streamCompletion(c, ask, head, req.StreamOptions.IncludeUsage)
		return
	}
	ctx := c.Request.Context()
	a, err := api.answer(ctx, c, ask, desk.Discard)
	if err != nil {
		api.fail(c, err)
		return
	}
	api.writeJSON(c, http.StatusOK, "application/json", newCompletion(head, api.queryResponse(ctx, a)))
}

// completionAsk reads a request and the question in it.
func (api *API) completionAsk(c *gin.Context) (completionRequest, desk.Ask, error) {
	body, err := api.body(c)
	if err != nil {
		return completionRequest{}, desk.Ask{}, err
	}
	req, err := decodeCompletion(body)
	if err != nil {
		return req, desk.Ask{}, err
	}
	question, earlier, err := req.question()
	if err != nil {
		return req, desk.Ask{}, err
	}
	if _, err := api.model(req.Model); err != nil {
		return req, desk.Ask{}, err
	}
	ask := ask(callerOf(c), queryRequest{identity: identity{UserID: req.User}, Question: question, Confirmation: req.Kefu.Confirmation})
	ask.Earlier = earlier
	switch req.Model {
	case modelAuto:
	case modelSimple:
		ask.Route = desk.Simple
	case modelComplex:
		ask.Route = desk.Complex
	default:
		ask.Model = req.Model
	}
	return req, ask, nil
}

// streamCompletion answers in chunks; a failure after the first of them ends the
// stream with an error and without [DONE].
func (api *API) streamCompletion(c *gin.Context, ask desk.Ask, head completionHead, withUsage bool) {
	ctx := c.Request.Context()
	out := newCompletionStream(newEventWriter(c.Writer), head)
	emit := func(e desk.Event) error {
		switch {
		case e.Type == desk.EventDelta:
			return out.delta(e.Text)
		case e.Type == desk.EventHandoff && e.Handoff != nil && out.events.begun():
			return out.delta(offer(newHandoff(e.Handoff)))
		}
		return nil
	}
	whole := func(a desk.Answer) error { return out.end(newCompletion(head, api.queryResponse(ctx, a)), withUsage) }
	broken := func(p problem) { _ = out.send(newOpenAIError(p)) }
	api.follow(c, out.events, ask, emit, whole, broken)
}
