// Package mcp offers the tools of Model Context Protocol servers, reached over
// streamable HTTP or started as commands, through the official SDK.
package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"kefu/internal/desk"
	"kefu/internal/tool"
)

// Config names a server and what is offered of it. It has a URL or a Command.
type Config struct {
	// Name begins the names of the server's tools: letters, digits, _ and -.
	Name string
	// URL is the endpoint of a server over streamable HTTP, asked with Client,
	// which decides what may be reached and bounds what is read. Headers are
	// sent with every request, secrets included.
	URL     string
	Client  *http.Client
	Headers map[string]string
	// Command is a program and its arguments, started with the variables of Env
	// and PATH alone: of our own environment it sees nothing else.
	Command []string
	Env     map[string]string
	// Tools are offered to models; what else the server has is not.
	Tools []Offer
}

// Offer is one tool of a server. What the server says of its own effect is not
// believed. The fields are those of tool.Spec.
type Offer struct {
	Name     string // as the server has it
	Effect   tool.Effect
	Tenants  []desk.TenantID // empty: all
	Title    tool.Text       // default: as the server has it
	Confirm  tool.Text
	Timeout  time.Duration
	MaxBytes int
	Parallel int
}

// Server is a connection to a server, made again when it is lost. It is safe
// for concurrent use.
type Server struct {
	config Config
	client *sdk.Client
	tools  []tool.Tool

	lock    chan struct{} // held to look at or change session; waits end with their context
	session *sdk.ClientSession
	closing sync.WaitGroup
}

// Connect connects to the server that c names and finds the tools that it
// offers. It must be followed by Close.
func Connect(ctx context.Context, c Config) (*Server, error) {
	s := &Server{
		config: c, lock: make(chan struct{}, 1),
		client: sdk.NewClient(&sdk.Implementation{Name: "kefu", Version: "1"}, &sdk.ClientOptions{
			Capabilities: &sdk.ClientCapabilities{}, // the server gets to see and ask nothing of us
		}),
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("mcp server %q: %w", c.Name, err)
	}
	if err := s.find(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("mcp server %q: %w", c.Name, err)
	}
	return s, nil
}

var goodName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

func (c Config) check() error {
	switch {
	case !goodName.MatchString(c.Name):
		return errors.New("name: want at most 32 letters, digits, _ or -")
	case (c.URL == "") == (len(c.Command) == 0):
		return errors.New("want either a url or a command")
	case c.URL != "" && c.Client == nil:
		return errors.New("a url needs a client")
	}
	return nil
}

// Tools returns the tools on offer, in the order of the configuration.
func (s *Server) Tools() []tool.Tool { return s.tools }

// Close ends the connection and the command. It takes up to about 5 seconds
// when a call is under way.
func (s *Server) Close() {
	s.lock <- struct{}{}
	s.drop(s.session)
	<-s.lock
	s.closing.Wait()
}

// drop closes the session, if it is still the one in use, beside the caller:
// the SDK waits for calls under way. The lock is held.
func (s *Server) drop(session *sdk.ClientSession) {
	if session == nil || session != s.session {
		return
	}
	s.session = nil
	s.closing.Go(func() { session.Close() })
}

// connected returns the session, a new one where it was lost.
func (s *Server) connected(ctx context.Context) (*sdk.ClientSession, error) {
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.session != nil {
		return s.session, nil
	}
	session, err := s.client.Connect(ctx, s.transport(), nil)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s.session = session
	return session, nil
}

func (s *Server) transport() sdk.Transport {
	if s.config.URL != "" {
		client := *s.config.Client
		client.Transport = withHeaders{next: client.Transport, url: s.config.URL, headers: s.config.Headers}
		return &sdk.StreamableClientTransport{
			Endpoint: s.config.URL, HTTPClient: &client, MaxRetries: -1,
			DisableStandaloneSSE: true, // else a connection stands open for notices that we do not read
		}
	}
	command := exec.Command(s.config.Command[0], s.config.Command[1:]...)
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	for _, name := range slices.Sorted(maps.Keys(s.config.Env)) {
		command.Env = append(command.Env, name+"="+s.config.Env[name])
	}
	return &sdk.CommandTransport{Command: command}
}

// withHeaders sends headers to the origin of one URL and to no other.
type withHeaders struct {
	next    http.RoundTripper // nil: the default
	url     string
	headers map[string]string
}

func (h withHeaders) RoundTrip(r *http.Request) (*http.Response, error) {
	next := h.next
	if next == nil {
		next = http.DefaultTransport
	}
	if u, err := url.Parse(h.url); err == nil && u.Scheme == r.URL.Scheme && u.Host == r.URL.Host {
		r = r.Clone(r.Context())
		for name, value := range h.headers {
			r.Header.Set(name, value)
		}
	}
	return next.RoundTrip(r)
}

// find looks the offered tools up at the server.
func (s *Server) find(ctx context.Context) error {
	session, err := s.connected(ctx)
	if err != nil {
		return err
	}
	known := make(map[string]*sdk.Tool)
	for t, err := range session.Tools(ctx, nil) {
		if err != nil {
			return fmt.Errorf("list tools: %w", err)
		}
		known[t.Name] = t
	}
	for _, offer := range s.config.Tools {
		t := known[offer.Name]
		if t == nil {
			return fmt.Errorf("it has no tool %q", offer.Name)
		}
		spec, err := s.spec(offer, t)
		if err != nil {
			return fmt.Errorf("tool %q: %w", offer.Name, err)
		}
		s.tools = append(s.tools, &remote{server: s, name: offer.Name, spec: spec})
	}
	return nil
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// ToolName is what models know a server's tool by.
func ToolName(server, tool string) string {
	return server + "_" + notInName.ReplaceAllString(tool, "_")
}

func (s *Server) spec(o Offer, t *sdk.Tool) (tool.Spec, error) {
	parameters, err := json.Marshal(t.InputSchema)
	if err != nil {
		return tool.Spec{}, fmt.Errorf("parameters: %w", err)
	}
	if len(o.Title) == 0 && t.Title != "" {
		o.Title = tool.Text{"en": t.Title}
	}
	return tool.Spec{
		Name:  ToolName(s.config.Name, t.Name),
		Title: o.Title, Description: t.Description, Parameters: parameters,
		Effect: o.Effect, Tenants: o.Tenants, Confirm: o.Confirm, Timeout: o.Timeout, MaxBytes: o.MaxBytes, Parallel: o.Parallel,
	}, nil
}
