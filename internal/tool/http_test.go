package tool

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llmsim/orders"
)

func publicOf(err error) string {
	var e *desk.Error
	if errors.As(err, &e) {
		return e.Public
	}
	return ""
}

func TestAnOrderIsLookedUp(t *testing.T) {
	base, client := serve(t, orders.New("key"))
	got, err := orderTools(t, base, client).Call(t.Context(), "order_status", Input{Arguments: map[string]any{"order_id": "10023"}})
	if err != nil || got.Failed || !strings.HasPrefix(got.Text, "- order_id: LN20410023\n- status: ") {
		t.Errorf("result = %+v, %v", got, err)
	}
	got, err = orderTools(t, base, client).Call(t.Context(), "order_status", Input{Arguments: map[string]any{"order_id": "99999"}})
	if err != nil || !got.Failed || !strings.Contains(got.Text, "message_zh: 没有这个编号的订单。") {
		t.Errorf("result = %+v, %v, want the refusal as data", got, err)
	}
}

func TestWritesNeedAKeyAndHaveOneEffect(t *testing.T) {
	shop := orders.New("key")
	base, client := serve(t, shop)
	r := orderTools(t, base, client)
	in := Input{Arguments: map[string]any{"order_id": "10002"}}
	if _, err := r.Call(t.Context(), "cancel_order", in); code(err) != CodeUnconfirmed || shop.Requests() != 0 {
		t.Fatalf("error = %v after %d requests, want it refused unasked", err, shop.Requests())
	}
	in.Key = "k1"
	for range 3 {
		if got, err := r.Call(t.Context(), "cancel_order", in); err != nil || got.Failed {
			t.Errorf("result = %+v, %v", got, err)
		}
	}
	if shop.Cancels() != 1 {
		t.Errorf("%d cancelled by one key", shop.Cancels())
	}
}

func TestWhatTheURLDoesNotHoldIsSentAsJSON(t *testing.T) {
	var method, body, kind, key string
	base, client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		method, body, kind, key = r.Method, string(b), r.Header.Get("Content-Type"), r.Header.Get("Idempotency-Key")
		w.WriteHeader(http.StatusNoContent)
	}))
	h := declared(t, HTTPConfig{
		Spec: Spec{
			Name: "note", Effect: Write, Confirm: Text{desk.English: "Note {text}?"},
			Parameters: json.RawMessage(`{"type":"object","properties":{"id":{"type":"integer"},"text":{"type":"string"},"size":{"type":"number"},"more":{"type":"string"}},"required":["id"]}`),
		},
		Method: "PUT", URL: base + "/notes/{id}",
	}, client)
	values, err := parse(`{"id":7,"text":"\"quoted\"","size":12345678901234567890}`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := registry(t, h).Call(t.Context(), "note", Input{Arguments: values, Key: "k"})
	if err != nil || got.Text != "204 No Content" {
		t.Errorf("result = %+v, %v", got, err)
	}
	if method != "PUT" || kind != "application/json" || key != "k" || body != `{"size":12345678901234567890,"text":"\"quoted\""}` {
		t.Errorf("sent %s %s with key %q: %s", method, kind, key, body)
	}
}

func TestHostileServers(t *testing.T) {
	base, client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimPrefix(r.URL.Path, "/") {
		case "large":
			piece := strings.Repeat("x", 1<<20)
			for range 50 {
				io.WriteString(w, piece)
			}
		case "hang":
			<-r.Context().Done()
		case "drip":
			io.WriteString(w, "a")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "loopback":
			http.Redirect(w, r, "http://127.0.0.1:9/admin", http.StatusFound)
		case "metadata":
			http.Redirect(w, r, "https://169.254.169.254/latest/meta-data", http.StatusFound)
		case "picture":
			w.Header().Set("Content-Type", "image/png")
			io.WriteString(w, "\x89PNG")
		case "page":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, "<html><body>Please log in")
		case "binary":
			io.WriteString(w, "\xff\xfe\x00")
		case "cut":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		case "500":
			http.Error(w, "stack trace with secrets", http.StatusInternalServerError)
		case "401":
			http.Error(w, "bad key", http.StatusUnauthorized)
		case "429":
			http.Error(w, "slow down", http.StatusTooManyRequests)
		}
	}))
	schema := json.RawMessage(`{"type":"object","properties":{"what":{"type":"string"}},"required":["what"]}`)
	// within returns the two tools, which give the server so much time.
	within := func(timeout time.Duration) *Registry {
		return registry(
			t,
			declared(t, HTTPConfig{Spec: Spec{Name: "read", Parameters: schema, Timeout: timeout}, URL: base + "/{what}"}, client),
			declared(t, HTTPConfig{
				Spec: Spec{Name: "write", Parameters: schema, Timeout: timeout, Effect: Write, Confirm: Text{desk.English: "?"}},
				URL:  base + "/{what}",
			}, client),
		)
	}
	brief, patient := within(200*time.Millisecond), within(time.Minute)
	tests := []struct{ what, read, write string }{
		{"large", CodeTooLarge, CodeOutcomeUnknown},
		{"hang", CodeTimeout, CodeOutcomeUnknown},
		{"drip", CodeTimeout, CodeOutcomeUnknown},
		{"loopback", "egress_url_refused", "egress_redirect_refused"},
		{"metadata", "egress_host_refused", "egress_redirect_refused"},
		{"picture", CodeUnusable, CodeOutcomeUnknown},
		{"page", CodeUnusable, CodeOutcomeUnknown},
		{"binary", CodeUnusable, CodeOutcomeUnknown},
		{"cut", "egress_failed", CodeOutcomeUnknown},
		{"500", CodeUnavailable, CodeOutcomeUnknown},
		{"401", CodeUnavailable, CodeUnavailable},
		{"429", CodeUnavailable, CodeUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			r := patient
			if tt.read == CodeTimeout {
				r = brief
			}
			for name, want := range map[string]string{"read": tt.read, "write": tt.write} {
				got, err := r.Call(t.Context(), name, Input{Arguments: map[string]any{"what": tt.what}, Key: "k"})
				if code(err) != want || got.Text != "" {
					t.Errorf("%s = %+v, %v, want %s", name, got, err, want)
				}
				if publicOf(err) == "" || strings.Contains(publicOf(err), "secret") {
					t.Errorf("the model is told %q", publicOf(err))
				}
			}
		})
	}
}

func TestACallerThatLeavesEndsTheUse(t *testing.T) {
	arrived := make(chan struct{})
	base, client := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() }))
	h := declared(t, HTTPConfig{Spec: Spec{Name: "t"}, URL: base + "/{order_id}"}, client)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := registry(t, h).Call(ctx, "t", Input{Arguments: map[string]any{"order_id": "10001"}}); kindOf(err) != desk.Cancelled {
		t.Errorf("error = %v, want kind cancelled", err)
	}
}

func TestDeclarationsThatCannotBeUsed(t *testing.T) {
	good := HTTPConfig{Spec: Spec{Name: "t", Description: "d", Effect: Read, Parameters: json.RawMessage(orderSchema)}, URL: "https://shop.example/{order_id}"}
	if _, err := NewHTTP(good, nil); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		why    string
		change func(*HTTPConfig)
		want   string
	}{
		{"no name", func(c *HTTPConfig) { c.Name = "" }, "name"},
		{"a name that vendors refuse", func(c *HTTPConfig) { c.Name = "order status" }, "name"},
		{"no description", func(c *HTTPConfig) { c.Description = "" }, "description"},
		{"no effect", func(c *HTTPConfig) { c.Effect = "" }, "effect"},
		{"a write without a question", func(c *HTTPConfig) { c.Effect, c.Method = Write, "DELETE" }, "confirm"},
		{"a question about something else", func(c *HTTPConfig) {
			c.Effect, c.Method, c.Confirm = Write, "DELETE", Text{desk.Chinese: "{price}？"}
		}, "{price}"},
		{"a negative timeout", func(c *HTTPConfig) { c.Timeout = -1 }, "timeout"},
		{"no schema", func(c *HTTPConfig) { c.Parameters = nil }, "parameters"},
		{"a schema of no object", func(c *HTTPConfig) { c.Parameters = json.RawMessage(`{"type":"string"}`) }, "parameters"},
		{"a misspelt keyword", func(c *HTTPConfig) {
			c.Parameters = json.RawMessage(`{"type":"object","properties":{"order_id":{"type":"string","minLenght":3}},"required":["order_id"]}`)
		}, "minLenght"},
		{"a broken pattern", func(c *HTTPConfig) {
			c.Parameters = json.RawMessage(`{"type":"object","properties":{"order_id":{"type":"string","pattern":"("}},"required":["order_id"]}`)
		}, "parameters"},
		{"an argument that does not exist", func(c *HTTPConfig) { c.URL = "https://shop.example/{order}" }, "{order}"},
		{"an optional argument in the path", func(c *HTTPConfig) {
			c.Parameters = json.RawMessage(`{"type":"object","properties":{"order_id":{"type":"string"}}}`)
		}, "required"},
		{"a value that does not exist", func(c *HTTPConfig) { c.URL += "?key={@key}" }, "{@key}"},
		{"a list in the path", func(c *HTTPConfig) {
			c.Parameters = json.RawMessage(`{"type":"object","properties":{"order_id":{"type":"array"}},"required":["order_id"]}`)
		}, "{order_id}"},
		{"an argument that goes nowhere", func(c *HTTPConfig) { c.URL = "https://shop.example/" }, "no body"},
		{"a method of its own", func(c *HTTPConfig) { c.Method = "TRACE" }, "method"},
		{"a header that is none", func(c *HTTPConfig) { c.Headers = map[string]string{"a b": "c"} }, "headers"},
		{"a header of two lines", func(c *HTTPConfig) { c.Headers = map[string]string{"X-Key": "a\r\nb"} }, "headers"},
		{"a header of ours", func(c *HTTPConfig) { c.Headers = map[string]string{"idempotency-key": "1"} }, "idempotency-key"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			c := good
			tt.change(&c)
			h, err := NewHTTP(c, nil)
			if err == nil {
				_, err = NewRegistry(h)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q in it", err, tt.want)
			}
		})
	}
	h, err := NewHTTP(good, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewRegistry(h, h); err == nil {
		t.Error("one name is taken twice")
	}
}
