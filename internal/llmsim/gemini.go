package llmsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type generateRequest struct {
	SystemInstruction parts `json:"systemInstruction"`
	Contents          []struct {
		Role string `json:"role"`
		parts
	} `json:"contents"`
	GenerationConfig struct {
		MaxOutputTokens int `json:"maxOutputTokens"`
	} `json:"generationConfig"`
	Tools []struct {
		Functions []struct {
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Parameters  json.RawMessage `json:"parametersJsonSchema"`
		} `json:"functionDeclarations"`
	} `json:"tools"`
	ToolConfig struct {
		Calling struct {
			Mode string `json:"mode"`
		} `json:"functionCallingConfig"`
	} `json:"toolConfig"`
}

type parts struct {
	Parts []struct {
		Text     string           `json:"text"`
		Call     *generateCall    `json:"functionCall"`
		Response *generateResults `json:"functionResponse"`
	} `json:"parts"`
}

type generateCall struct {
	ID   string          `json:"id,omitempty"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

type generateResults struct {
	Response map[string]string `json:"response"`
}

// messages translates what one side said: results of tools are messages of
// their own.
func (p parts) messages(role string) []message {
	var said []message
	out := message{Role: role, Content: p.content()}
	for _, part := range p.Parts {
		if c := part.Call; c != nil {
			out.calls = append(out.calls, call{c.ID, c.Name, string(c.Args)})
		}
		if part.Response != nil {
			for _, name := range slices.Sorted(maps.Keys(part.Response.Response)) {
				said = append(said, message{Role: "tool", Content: content(part.Response.Response[name])})
			}
		}
	}
	if out.Content != "" || len(out.calls) > 0 {
		said = append(said, out)
	}
	return said
}

func (p parts) content() content {
	texts := make([]string, len(p.Parts))
	for i, part := range p.Parts {
		texts[i] = part.Text
	}
	return content(strings.Join(texts, "\n"))
}

// generate serves both methods of a model: "…/models/name:method".
func (x *exchange) generate() {
	model, method, _ := strings.Cut(x.r.PathValue("call"), ":")
	stream := method == "streamGenerateContent"
	if !stream && method != "generateContent" {
		x.fail(failure{http.StatusNotFound, "", "", "Method not found."})
		return
	}
	var req generateRequest
	if !x.decode(&req) {
		return
	}
	switch {
	case model == "" || len(model) > maxModel:
		x.invalid("model is not specified")
		return
	case len(req.Contents) == 0:
		x.invalid("contents is not specified")
		return
	case stream && x.r.URL.Query().Get("alt") != "sse":
		x.invalid("only alt=sse is simulated")
		return
	}
	q := question{
		model: model, stream: stream, maxTokens: req.GenerationConfig.MaxOutputTokens,
		messages: []message{{Role: "system", Content: req.SystemInstruction.content()}},
	}
	for _, c := range req.Contents {
		if c.Role == "" {
			c.Role = "user"
		}
		q.messages = append(q.messages, c.messages(c.Role)...)
	}
	for _, t := range req.Tools {
		for _, f := range t.Functions {
			q.offers = append(q.offers, offer{f.Name, f.Description, f.Parameters})
		}
	}
	q.mustAnswer = req.ToolConfig.Calling.Mode == "NONE"
	x.answer(q)
}

// gemini is the protocol of generateContent and streamGenerateContent. Its
// lines end in CR LF, as those of the real endpoint do.
type gemini struct{}

func (gemini) keepAlive() string   { return ": keep-alive\r\n\r\n" }
func (gemini) errorEvent() string  { return "data: " }
func (gemini) refusesInBand() bool { return true }

func (gemini) completion(x *exchange, c completion) {
	b := append(x.out.AvailableBuffer(), '{')
	x.out.Write(append(appendCandidate(b, x, c.text, c, true), '}'))
}

func (gemini) opening(*streamer) {}

func (gemini) delta(s *streamer, piece string) {
	b := append(s.out.AvailableBuffer(), `data: {`...)
	s.out.Write(append(appendCandidate(b, s.exchange, piece, completion{}, false), "}\r\n\r\n"...))
}

func (gemini) closing(s *streamer, c completion) {
	b := append(s.out.AvailableBuffer(), `data: {`...)
	s.out.Write(append(appendCandidate(b, s.exchange, "", c, true), "}\r\n\r\n"...))
}

// appendCandidate appends the fields of a response with one candidate, or of
// one whose prompt was blocked. The usage counts what was made so far.
func appendCandidate(b []byte, x *exchange, text string, c completion, last bool) []byte {
	if c.finish == refusal {
		b = append(b, `"promptFeedback":{"blockReason":"SAFETY"}`...)
	} else {
		b = append(b, `"candidates":[{"content":{"parts":[{"text":`...)
		b = append(appendString(b, text), '}')
		for _, call := range c.calls {
			b = append(b, `,{"functionCall":`...)
			b = append(append(b, asJSON(generateCall{call.id, call.name, json.RawMessage(call.arguments)})...), '}')
		}
		b = append(b, `],"role":"model"}`...)
		if last {
			b = append(b, `,"finishReason":"`+generateFinish(c.finish)+`"`...)
		}
		b = append(b, `,"index":0}]`...)
	}
	b = append(b, `,"usageMetadata":{"promptTokenCount":`...)
	b = strconv.AppendInt(b, int64(x.entry.PromptTokens), 10)
	if n := x.entry.CompletionTokens; n > 0 {
		b = append(b, `,"candidatesTokenCount":`...)
		b = strconv.AppendInt(b, int64(n), 10)
	}
	b = append(b, `,"totalTokenCount":`...)
	b = strconv.AppendInt(b, int64(x.entry.PromptTokens+x.entry.CompletionTokens), 10)
	b = append(b, `},"modelVersion":`...)
	b = appendString(b, x.entry.Model)
	return append(b, `,"responseId":"`+x.entry.ID+`"`...)
}

func generateFinish(f finish) string {
	if f == length {
		return "MAX_TOKENS"
	}
	return "STOP"
}

// failure translates what Google tells by a status of its own and by details.
func (gemini) failure(x *exchange, f failure) int {
	var details []map[string]any
	switch f.code {
	case invalidKey:
		f.status = http.StatusBadRequest
		f.message = "API key not valid. Please pass a valid API key."
		details = append(details, map[string]any{
			"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com",
		})
	case insufficientQuota:
		details = append(details, map[string]any{
			"@type":      "type.googleapis.com/google.rpc.QuotaFailure",
			"violations": []map[string]string{{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}},
		})
	case contextTooLong:
		f.message = "The input token count exceeds the maximum number of tokens allowed (1048576)."
	}
	if x.RetryAfter > 0 && mayAskToWait(f.status) {
		details = append(details, map[string]any{
			"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": fmt.Sprintf("%ds", x.RetryAfter),
		})
	}
	type detail struct {
		Code    int              `json:"code"`
		Message string           `json:"message"`
		Status  string           `json:"status"`
		Details []map[string]any `json:"details,omitempty"`
	}
	x.encode(struct {
		Error detail `json:"error"`
	}{detail{f.status, f.message, googleStatus(f.status), details}})
	return f.status
}

func googleStatus(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "INVALID_ARGUMENT"
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusInternalServerError:
		return "INTERNAL"
	case http.StatusServiceUnavailable, statusOverloaded:
		return "UNAVAILABLE"
	case http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	default:
		return "UNKNOWN"
	}
}
