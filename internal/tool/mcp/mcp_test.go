package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/egress"
	"kefu/internal/tool"
)

// asServer makes the test binary an MCP server on its standard streams.
const asServer = "KEFU_TEST_MCP_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		if err := server(nil).Run(context.Background(), &sdk.StdioTransport{}); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

type echoIn struct {
	Text string `json:"text" jsonschema:"what to say"`
}

// server has one tool of each kind. Hanging calls end with their client, or
// when hang is closed.
func server(hang <-chan struct{}) *sdk.Server {
	s := sdk.NewServer(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	text := func(t string) *sdk.CallToolResult {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: t}}}
	}
	sdk.AddTool(s, &sdk.Tool{Name: "echo", Title: "Echo", Description: "Says it again."},
		func(_ context.Context, r *sdk.CallToolRequest, in echoIn) (*sdk.CallToolResult, any, error) {
			key, _ := r.Params.Meta[keyName].(string)
			return text(in.Text + key), nil, nil
		})
	sdk.AddTool(s, &sdk.Tool{Name: "env", Description: "Shows its environment."},
		func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
			return text(strings.Join(os.Environ(), "\n")), nil, nil
		})
	sdk.AddTool(s, &sdk.Tool{Name: "fails", Description: "Fails."},
		func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
			return nil, nil, errors.New("out of stock")
		})
	sdk.AddTool(s, &sdk.Tool{Name: "structured", Description: "Answers as data."},
		func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, map[string]int, error) {
			return nil, map[string]int{"n": 1}, nil
		})
	sdk.AddTool(s, &sdk.Tool{Name: "picture", Description: "Draws."},
		func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.ImageContent{Data: []byte("x"), MIMEType: "image/png"}}}, nil, nil
		})
	sdk.AddTool(s, &sdk.Tool{Name: "large", Description: "Says far too much."},
		func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
			return text(strings.Repeat("x", 4<<20)), nil, nil
		})
	sdk.AddTool(s, &sdk.Tool{Name: "hangs", Description: "Hangs."},
		func(ctx context.Context, _ *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
			select {
			case <-ctx.Done():
			case <-hang:
			}
			return text("late"), nil, nil
		})
	return s
}

// offers are all tools of the server; only echo exists as a write too.
func offers(names ...string) []Offer {
	var out []Offer
	for _, name := range names {
		timeout := 30 * time.Second
		if name == "hangs" {
			timeout = 300 * time.Millisecond
		}
		out = append(out, Offer{Name: name, Effect: tool.Read, Timeout: timeout})
	}
	return out
}

// overHTTP starts the server over streamable HTTP and connects to it.
func overHTTP(t *testing.T, c Config) *Server {
	t.Helper()
	hang := make(chan struct{})
	s := server(hang)
	handler := sdk.NewStreamableHTTPHandler(func(r *http.Request) *sdk.Server {
		if r.Header.Get("Authorization") != "Bearer key" {
			return nil
		}
		return s
	}, nil)
	web := httptest.NewServer(handler)
	u, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := egress.New(egress.Config{Hosts: []string{"none.example"}, Inside: []string{u.Host}, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	c.Name, c.URL, c.Client, c.Headers = "shop", web.URL, client, map[string]string{"Authorization": "Bearer key"}
	ctx, cancel := context.WithCancel(t.Context())
	connected, err := Connect(ctx, c)
	cancel() // the connection outlives the context that made it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(hang)
		connected.Close()
		client.CloseIdleConnections()
		web.CloseClientConnections()
		web.Close()
	})
	return connected
}

func overStdio(t *testing.T, c Config) *Server {
	t.Helper()
	c.Name, c.Command, c.Env = "local", []string{os.Args[0]}, map[string]string{asServer: "1"}
	connected, err := Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connected.Close)
	return connected
}

func call(t *testing.T, s *Server, name string, in tool.Input) (tool.Result, error) {
	t.Helper()
	r, err := tool.NewRegistry(s.Tools()...)
	if err != nil {
		t.Fatal(err)
	}
	return r.Call(t.Context(), name, in)
}

func code(err error) string {
	var e *desk.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestToolsOfAServer(t *testing.T) {
	all := append(offers("echo", "fails", "structured", "picture", "hangs"), Offer{Name: "large", Effect: tool.Read})
	servers := map[string]*Server{"shop": overHTTP(t, Config{Tools: all}), "local": overStdio(t, Config{Tools: all})}
	say := map[string]any{"text": "你好"}
	tests := []struct {
		why, tool string
		arguments map[string]any
		want      tool.Result
		code      string
	}{
		{"a text", "echo", say, tool.Result{Text: "你好"}, ""},
		{"arguments against its schema", "echo", map[string]any{"text": 5}, tool.Result{}, tool.CodeArguments},
		{"one that is missing", "echo", nil, tool.Result{}, tool.CodeArguments},
		{"a failure of the tool", "fails", map[string]any{}, tool.Result{Text: "out of stock", Failed: true}, ""},
		{"data", "structured", map[string]any{}, tool.Result{Text: "- n: 1"}, ""},
		{"a picture", "picture", map[string]any{}, tool.Result{}, tool.CodeUnusable},
		{"a tool that hangs", "hangs", map[string]any{}, tool.Result{}, tool.CodeTimeout},
		{"after one that hung", "echo", say, tool.Result{Text: "你好"}, ""},
	}
	for prefix, s := range servers {
		for _, tt := range tests {
			t.Run(prefix+"/"+tt.why, func(t *testing.T) {
				got, err := call(t, s, prefix+"_"+tt.tool, tool.Input{Arguments: tt.arguments})
				if got != tt.want || code(err) != tt.code || (err == nil) != (tt.code == "") {
					t.Errorf("result = %+v, %v, want %+v, %q", got, err, tt.want, tt.code)
				}
			})
		}
	}
	if _, err := call(t, servers["local"], "local_large", tool.Input{}); code(err) != tool.CodeTooLarge {
		t.Errorf("error = %v, want the result refused", err)
	}
	start := time.Now()
	if got, err := call(t, servers["shop"], "shop_large", tool.Input{}); code(err) == "" || time.Since(start) > time.Minute {
		t.Errorf("result of %d bytes, %v after %s: a reply beyond the client's bound", len(got.Text), err, time.Since(start))
	}
}

func TestWritesCarryTheirKey(t *testing.T) {
	s := overHTTP(t, Config{Tools: []Offer{{Name: "echo", Effect: tool.Write, Confirm: tool.Text{desk.English: "Say {text}?"}}}})
	got, err := call(t, s, "shop_echo", tool.Input{Arguments: map[string]any{"text": "a"}, Key: "+key"})
	if err != nil || got.Text != "a+key" {
		t.Errorf("result = %+v, %v", got, err)
	}
	if spec := s.Tools()[0].Spec(); spec.Title.In(desk.Chinese) != "Echo" || spec.Description != "Says it again." || !json.Valid(spec.Parameters) {
		t.Errorf("spec = %+v", spec)
	}
}

func TestACommandSeesNothingOfOurEnvironment(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-secret")
	s := overStdio(t, Config{Tools: offers("env")})
	got, err := call(t, s, "local_env", tool.Input{Arguments: map[string]any{}})
	if err != nil || strings.Contains(got.Text, "sk-secret") || !strings.Contains(got.Text, asServer) {
		t.Errorf("it sees %q, %v", got.Text, err)
	}
}

func TestALostServerIsFoundAgain(t *testing.T) {
	s := overStdio(t, Config{Tools: offers("echo")})
	in := tool.Input{Arguments: map[string]any{"text": "a"}}
	s.session.Close() // as if the command had ended
	if got, err := call(t, s, "local_echo", in); err != nil || got.Text != "a" {
		t.Errorf("result = %+v, %v", got, err)
	}
}

func TestServersThatCannotBeUsed(t *testing.T) {
	var seen atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer web.Close()
	refusing, err := egress.New(egress.Config{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	defer refusing.CloseIdleConnections()
	tests := []struct {
		why    string
		config Config
		want   string
	}{
		{"no name", Config{Command: []string{"x"}}, "name"},
		{"neither URL nor command", Config{Name: "a"}, "either"},
		{"both of them", Config{Name: "a", URL: web.URL, Client: refusing, Command: []string{"x"}}, "either"},
		{"no client", Config{Name: "a", URL: web.URL}, "client"},
		{"a command that does not exist", Config{Name: "a", Command: []string{"/does/not/exist"}}, "connect"},
		{"an address inside", Config{Name: "a", URL: web.URL, Client: refusing}, "egress_address_refused"},
		{"a tool that it does not have", Config{Name: "a", Command: []string{os.Args[0]}, Env: map[string]string{asServer: "1"}, Tools: offers("nothing")}, `no tool "nothing"`},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if s, err := Connect(ctx, tt.config); err == nil || !strings.Contains(err.Error(), tt.want) {
				if s != nil {
					s.Close()
				}
				t.Errorf("error = %v, want %q in it", err, tt.want)
			}
		})
	}
	if seen.Load() != 0 {
		t.Errorf("a refused server was asked %d times", seen.Load())
	}
}
