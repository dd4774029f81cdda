package llmsim

import (
	"fmt"
	"net/http"
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
}

type parts struct {
	Parts []struct {
		Text string `json:"text"`
	} `json:"parts"`
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
	q := question{model: model, stream: stream, maxTokens: req.GenerationConfig.MaxOutputTokens}
	for _, c := range req.Contents {
		if c.Role == "" {
			c.Role = "user"
		}
		q.messages = append(q.messages, message{Role: c.Role, Content: c.content()})
	}
	q.messages = withSystem(req.SystemInstruction.content(), q.messages)
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
	x.out.Write(append(appendCandidate(b, x, c.text, c.finish, true), '}'))
}

func (gemini) opening(*streamer) {}

func (gemini) delta(s *streamer, piece string) {
	b := append(s.out.AvailableBuffer(), `data: {`...)
	s.out.Write(append(appendCandidate(b, s.exchange, piece, stop, false), "}\r\n\r\n"...))
}

func (gemini) closing(s *streamer, c completion) {
	b := append(s.out.AvailableBuffer(), `data: {`...)
	s.out.Write(append(appendCandidate(b, s.exchange, "", c.finish, true), "}\r\n\r\n"...))
}

// appendCandidate appends the fields of a response with one candidate, or of
// one whose prompt was blocked. The usage counts what was made so far.
func appendCandidate(b []byte, x *exchange, text string, f finish, last bool) []byte {
	if f == refusal {
		b = append(b, `"promptFeedback":{"blockReason":"SAFETY"}`...)
	} else {
		b = append(b, `"candidates":[{"content":{"parts":[{"text":`...)
		b = appendString(b, text)
		b = append(b, `}],"role":"model"}`...)
		if last {
			b = append(b, `,"finishReason":"`+generateFinish(f)+`"`...)
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
