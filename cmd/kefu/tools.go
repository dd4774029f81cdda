package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/egress"
	"kefu/internal/llm"
	"kefu/internal/route"
	"kefu/internal/tool"
	"kefu/internal/tool/mcp"
)

const (
	// connectWithin bounds the first words with an MCP server.
	connectWithin = 10 * time.Second
	// connectEvery is how often a server that did not answer is tried again.
	connectEvery = 30 * time.Second
)

// agent offers the configured tools to a model. Those of MCP servers join when
// their server has answered, so that one that is down costs its tools alone. It
// implements answer.Agent.
type agent struct {
	cfg      config.Config
	log      *slog.Logger
	model    tool.Model
	observer tool.Observer
	seal     *tool.Seal
	http     []tool.Tool
	clients  []*http.Client

	loop    atomic.Pointer[tool.Loop] // nil: there are no tools yet
	mu      sync.Mutex
	servers map[string]*mcp.Server // by name, those that answered
}

// newAgent returns nil where no tools are configured.
func newAgent(cfg config.Config, log *slog.Logger, model tool.Model, observer tool.Observer) (*agent, error) {
	if len(cfg.Tools) == 0 && len(cfg.MCP) == 0 {
		return nil, nil
	}
	a := &agent{cfg: cfg, log: log, model: model, observer: observer, servers: map[string]*mcp.Server{}}
	var err error
	if a.http, a.clients, err = httpTools(cfg); err != nil {
		return nil, err
	}
	secret := []byte(cfg.Agent.ConfirmSecret.Value())
	if len(secret) == 0 {
		secret = make([]byte, tool.MinSecret)
		rand.Read(secret) // never fails
		if writes(cfg) {
			log.Warn("confirmations of actions end with this process, and other replicas do not take them: set KEFU_AGENT_CONFIRM_SECRET")
		}
	}
	if a.seal, err = tool.NewSeal(secret, cfg.Agent.ConfirmWithin); err != nil {
		return nil, err
	}
	return a, a.offer()
}

// Wants implements answer.Agent.
func (a *agent) Wants(tenant desk.TenantID, question string) (desk.Route, bool) {
	if loop := a.loop.Load(); loop == nil || !loop.Serves(tenant) {
		return desk.Route{}, false
	}
	return route.WantsTools(question)
}

// Run implements answer.Agent.
func (a *agent) Run(ctx context.Context, c llm.Call, s tool.Session) (tool.Outcome, error) {
	loop := a.loop.Load()
	if loop == nil { // only a confirmation comes this far
		return tool.Outcome{}, &desk.Error{
			Kind: desk.Unavailable, Code: tool.CodeUnavailable, Public: "This cannot be done right now. Please try again. 暂时无法办理，请稍后再试。",
		}
	}
	return loop.Run(ctx, c, s)
}

// offer puts together what there is now.
func (a *agent) offer() error {
	all := a.http
	for _, s := range a.cfg.MCP { // in the order of the configuration
		if server := a.servers[s.Name]; server != nil {
			all = slices.Concat(all, server.Tools())
		}
	}
	if len(all) == 0 {
		a.loop.Store(nil)
		return nil
	}
	registry, err := tool.NewRegistry(all...)
	if err != nil {
		return &desk.Error{Kind: desk.Invalid, Code: "bad_setting", Field: "tools", Public: err.Error()}
	}
	a.loop.Store(tool.NewLoop(registry, a.model, a.seal, a.observer, tool.LoopConfig{Steps: a.cfg.Agent.Steps, Calls: a.cfg.Agent.Calls}))
	return nil
}

// connect tries the MCP servers that have not answered yet, at once, and
// reports whether all have now.
func (a *agent) connect(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	var wg sync.WaitGroup
	for _, s := range a.cfg.MCP {
		a.mu.Lock()
		known := a.servers[s.Name] != nil
		a.mu.Unlock()
		if known {
			continue
		}
		wg.Go(func() {
			if err := a.join(ctx, s); err != nil {
				a.log.Warn("tools of an MCP server are missing", "server", s.Name, "error", err)
			}
		})
	}
	wg.Wait()
	return len(a.servers) == len(a.cfg.MCP)
}

// join connects to one server and offers its tools, unless they do not fit.
func (a *agent) join(ctx context.Context, s config.MCPServer) error {
	server, err := a.dial(ctx, s)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.servers[s.Name] = server
	if err := a.offer(); err != nil {
		delete(a.servers, s.Name)
		server.Close()
		return err
	}
	return nil
}

func (a *agent) dial(ctx context.Context, s config.MCPServer) (*mcp.Server, error) {
	c := mcp.Config{Name: s.Name, URL: s.URL, Headers: s.HeaderValues(), Command: s.Command, Env: s.EnvValues()}
	longest := connectWithin
	for _, t := range s.Tools {
		spec := specOf(t.Use)
		longest = max(longest, spec.Timeout)
		c.Tools = append(c.Tools, mcp.Offer{
			Name: t.Name, Effect: spec.Effect, Tenants: spec.Tenants, Title: spec.Title, Confirm: spec.Confirm,
			Timeout: spec.Timeout, MaxBytes: spec.MaxBytes, Parallel: spec.Parallel,
		})
	}
	if s.URL != "" {
		client, err := egress.New(egress.Config{Hosts: []string{egress.HostOf(s.URL)}, Inside: a.cfg.Agent.Inside, Timeout: longest})
		if err != nil {
			return nil, err
		}
		c.Client = client
	}
	return mcp.Connect(ctx, c)
}

// keepConnecting tries the servers that did not answer at the start until all
// have.
func (a *agent) keepConnecting(ctx context.Context) error {
	for !a.connect(ctx) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(connectEvery):
		}
	}
	<-ctx.Done()
	return nil
}

func (a *agent) close() {
	for _, s := range a.servers {
		s.Close()
	}
	for _, c := range a.clients {
		c.CloseIdleConnections()
	}
}

// httpTools are the tools of kefu.yaml that are HTTP endpoints, each with a
// client that reaches its host alone.
func httpTools(cfg config.Config) (tools []tool.Tool, clients []*http.Client, err error) {
	for _, t := range cfg.Tools {
		fail := func(err error) ([]tool.Tool, []*http.Client, error) {
			return nil, nil, &desk.Error{Kind: desk.Invalid, Code: "bad_setting", Field: "tools." + t.Name, Public: fmt.Sprintf("tools.%s: %v", t.Name, err)}
		}
		spec := specOf(t.Use)
		spec.Name, spec.Description, spec.Parameters = t.Name, t.Description, json.RawMessage(t.Parameters)
		client, err := egress.New(egress.Config{
			Hosts: []string{egress.HostOf(t.URL)}, Inside: cfg.Agent.Inside,
			Timeout: spec.Timeout, MaxBytes: int64(spec.MaxBytes),
		})
		if err != nil {
			return fail(err)
		}
		h, err := tool.NewHTTP(tool.HTTPConfig{Spec: spec, Method: t.Method, URL: t.URL, Headers: t.HeaderValues()}, client)
		if err != nil {
			return fail(err)
		}
		tools, clients = append(tools, h), append(clients, client)
	}
	if _, err := tool.NewRegistry(tools...); err != nil {
		return nil, nil, &desk.Error{Kind: desk.Invalid, Code: "bad_setting", Field: "tools", Public: err.Error()}
	}
	return tools, clients, nil
}

func specOf(u config.Use) tool.Spec {
	text := func(english, chinese string) tool.Text {
		t := tool.Text{}
		if english != "" {
			t[desk.English] = english
		}
		if chinese != "" {
			t[desk.Chinese] = chinese
		}
		return t
	}
	var tenants []desk.TenantID
	for _, t := range u.Tenants {
		tenants = append(tenants, desk.TenantID(t))
	}
	return tool.Spec{
		Tenants: tenants, Title: text(u.TitleEN, u.TitleZH), Effect: tool.Effect(u.Effect), Confirm: text(u.ConfirmEN, u.ConfirmZH),
		Timeout: u.Timeout, MaxBytes: u.MaxBytes, Parallel: u.Parallel,
	}
}

// toolNames are those that uses may be counted under.
func toolNames(cfg config.Config) []string {
	var names []string
	for _, t := range cfg.Tools {
		names = append(names, t.Name)
	}
	for _, s := range cfg.MCP {
		for _, t := range s.Tools {
			names = append(names, mcp.ToolName(s.Name, t.Name))
		}
	}
	return names
}

// writes reports whether any tool changes something.
func writes(cfg config.Config) bool {
	isWrite := func(u config.Use) bool { return u.Effect == string(tool.Write) }
	return slices.ContainsFunc(cfg.Tools, func(t config.Tool) bool { return isWrite(t.Use) }) ||
		slices.ContainsFunc(cfg.MCP, func(s config.MCPServer) bool {
			return slices.ContainsFunc(s.Tools, func(t config.MCPTool) bool { return isWrite(t.Use) })
		})
}
