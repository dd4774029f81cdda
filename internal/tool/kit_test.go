package tool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/egress"
	"kefu/internal/llm"
	"kefu/internal/llm/openai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const orderSchema = `{"type":"object","properties":{"order_id":{"type":"string","pattern":"^(LN[0-9]{8}|[0-9]{5})$","description":"number of the order"}},"required":["order_id"]}`

// serve starts a server and returns its URL and a client that may reach it.
func serve(t *testing.T, h http.Handler) (base string, client *http.Client) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, err = egress.New(egress.Config{Hosts: []string{"shop.example"}, Inside: []string{u.Host}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return server.URL, client
}

// declared returns an HTTP tool.
func declared(t *testing.T, c HTTPConfig, client *http.Client) *HTTP {
	t.Helper()
	if c.Description == "" {
		c.Description = "for a test"
	}
	if c.Effect == "" {
		c.Effect = Read
	}
	if c.Parameters == nil {
		c.Parameters = json.RawMessage(orderSchema)
	}
	h, err := NewHTTP(c, client)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func registry(t *testing.T, tools ...Tool) *Registry {
	t.Helper()
	r, err := NewRegistry(tools...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// orderTools are the two tools of the demonstration.
func orderTools(t *testing.T, base string, client *http.Client) *Registry {
	t.Helper()
	return registry(
		t,
		declared(t, HTTPConfig{
			Spec: Spec{Name: "order_status", Description: "Looks an order up.", Title: Text{desk.English: "Order status", desk.Chinese: "订单状态"}},
			URL:  base + "/orders/{order_id}?lang={@lang}", Headers: map[string]string{"Authorization": "Bearer key"},
		}, client),
		declared(t, HTTPConfig{
			Spec: Spec{
				Name: "cancel_order", Description: "Cancels an order.", Effect: Write,
				Title:   Text{desk.English: "Cancel an order", desk.Chinese: "取消订单"},
				Confirm: Text{desk.English: "Cancel order {order_id}?", desk.Chinese: "要取消订单 {order_id} 吗？"},
			},
			URL: base + "/orders/{order_id}/cancel", Headers: map[string]string{"Authorization": "Bearer key"},
		}, client),
	)
}

func code(err error) string {
	var e *desk.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// vendor is a model behind an OpenAI endpoint that says its lines one after
// the other, the last one for ever.
type vendor struct {
	mu    sync.Mutex
	lines []string
	asked []request
}

type request struct {
	Messages []struct {
		Role       string `json:"role"`
		Content    string `json:"content"`
		ToolCallID string `json:"tool_call_id"`
	} `json:"messages"`
	Tools      []any  `json:"tools"`
	ToolChoice string `json:"tool_choice"`
}

// last is the text of the last message of request n, from 0.
func (v *vendor) last(n int) string {
	m := v.asked[n].Messages
	return m[len(m)-1].Content
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v.asked = append(v.asked, in)
	io.WriteString(w, v.lines[0])
	if len(v.lines) > 1 {
		v.lines = v.lines[1:]
	}
}

// says is a line of text, wants one of calls: name, arguments, name, ….
func says(text string) string {
	return fmt.Sprintf(`{"choices":[{"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5}}`, text)
}

func wants(calls ...string) string {
	var out []string
	for i := 0; i < len(calls); i += 2 {
		out = append(out, fmt.Sprintf(`{"id":"v%d","type":"function","function":{"name":%q,"arguments":%q}}`, i, calls[i], calls[i+1]))
	}
	return `{"choices":[{"message":{"role":"assistant","tool_calls":[` + strings.Join(out, ",") + `]},"finish_reason":"tool_calls"}]}`
}

// model connects to a vendor through the real adapter.
func model(t *testing.T, lines ...string) (*vendor, llm.Provider) {
	t.Helper()
	v := &vendor{lines: lines}
	server := httptest.NewServer(v)
	client := server.Client()
	t.Cleanup(func() { client.CloseIdleConnections(); server.Close() })
	return v, openai.New(openai.Config{BaseURL: server.URL + "/v1", HTTP: client})
}

// observed counts what the loop tells.
type observed struct {
	mu    sync.Mutex
	uses  []desk.ToolUse
	stops []desk.LoopStop
}

func (o *observed) ToolUsed(u desk.ToolUse) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.uses = append(o.uses, u)
}
func (o *observed) LoopEnded(why desk.LoopStop, _ int) { o.stops = append(o.stops, why) }

// private knows one address that models must not see.
type private struct{}

func (private) Mask(text string) desk.Masked {
	return desk.Masked(strings.ReplaceAll(text, "ann@example.com", "[EMAIL_1]"))
}

func (private) Restore(text desk.Masked) string {
	return strings.ReplaceAll(string(text), "[EMAIL_1]", "ann@example.com")
}

func session() Session {
	return Session{
		Scope: desk.Scope{Tenant: "default", User: "ann"}, Conversation: "c1", Lang: desk.English,
		Privacy: private{}, Emit: desk.Discard,
	}
}

func seal(t *testing.T) *Seal {
	t.Helper()
	s, err := NewSeal([]byte(strings.Repeat("s", MinSecret)), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
