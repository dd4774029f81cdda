package config

import (
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"time"
)

// MinConfirmSecret is the length of the shortest agent.confirm_secret.
const MinConfirmSecret = 32

// Agent bounds the answers that tools are used for.
type Agent struct {
	Steps         int           `key:"steps" env:"KEFU_AGENT_STEPS" range:"1..20" help:"how often the model is asked for one answer with tools"`
	Calls         int           `key:"calls" env:"KEFU_AGENT_CALLS" range:"1..50" help:"uses of tools for one answer at most"`
	Attempts      int           `key:"attempts" env:"KEFU_AGENT_ATTEMPTS" range:"2..60" help:"provider calls for an answer with tools at most, in place of answer.attempts"`
	ConfirmWithin time.Duration `key:"confirm_within" env:"KEFU_AGENT_CONFIRM_WITHIN" range:"1m..24h" help:"time a customer has to confirm an action"`
	ConfirmSecret Secret        `key:"confirm_secret" env:"KEFU_AGENT_CONFIRM_SECRET" help:"secret that seals confirmations, at least 32 characters, the same for all replicas; empty: a random one, so that confirmations end with the process"`
	Inside        []string      `key:"inside" env:"KEFU_AGENT_INSIDE" help:"hosts that tools may reach at addresses inside the network and by http, as orders:8080; all others must be on the public internet and https"`
	LinkHosts     []string      `key:"link_hosts" env:"KEFU_AGENT_LINK_HOSTS" help:"hosts that answers with tools may link to; addresses in the knowledge base always may be"`
}

// Use is how a tool is offered and used, wherever it comes from.
type Use struct {
	TitleEN   string        `key:"title_en" help:"what English customers are told the tool is"`
	TitleZH   string        `key:"title_zh" help:"the same for Chinese ones"`
	Effect    string        `key:"effect" oneof:"read write" help:"whether the tool changes something: then the customer is asked first"`
	Tenants   []string      `key:"tenants" help:"tenants whose customers it serves; empty: all"`
	ConfirmEN string        `key:"confirm_en" help:"question before a write, with arguments as {name}"`
	ConfirmZH string        `key:"confirm_zh" help:"the same in Chinese"`
	Timeout   time.Duration `key:"timeout" range:"100ms..5m" help:"limit of one use; empty: 10s"`
	MaxBytes  int           `key:"max_bytes" range:"256..1048576" help:"largest result; empty: 65536"`
	Parallel  int           `key:"parallel" range:"1..1000" help:"uses at once, others wait; empty: 16"`
}

// Tool is an HTTP endpoint that models may use.
type Tool struct {
	Name        string
	Description string `key:"description" help:"what the tool does and when it is used, for the model"`
	URL         string `key:"url" help:"address, with arguments as {name} in the path and in values of the query; {@user}, {@tenant} and {@lang} stand for the customer"`
	Method      string `key:"method" oneof:"GET POST PUT PATCH DELETE" help:"empty: GET, for writes POST; arguments that url lacks are sent as JSON"`
	Parameters  Schema `key:"parameters" help:"JSON Schema of the arguments"`
	Headers     Values `key:"headers" help:"sent with each request; \u0024{VARIABLE} stands for a variable, or with _FILE behind it a file"`
	Use

	headers map[string]string
}

// MCPServer is a Model Context Protocol server whose tools models may use.
type MCPServer struct {
	Name    string
	URL     string  `key:"url" help:"address of a server over streamable HTTP"`
	Headers Values  `key:"headers" help:"sent with each request, as those of tools"`
	Command Command `key:"command" help:"program and arguments of a server over standard input and output, in place of url"`
	Env     Values  `key:"env" help:"all variables that the program sees beside PATH"`
	Tools   []MCPTool

	headers, env map[string]string
}

// MCPTool is a tool of a server that models may use; what is not named may not.
type MCPTool struct {
	Name   string
	server string
	Use
}

// HeaderValues are the headers with their secrets.
func (t Tool) HeaderValues() map[string]string { return t.headers }

// HeaderValues are the headers with their secrets.
func (s MCPServer) HeaderValues() map[string]string { return s.headers }

// EnvValues are the program's variables with their secrets.
func (s MCPServer) EnvValues() map[string]string { return s.env }

func (t *Tool) settings() []setting {
	return walk(nil, []string{"tools", t.Name}, reflect.ValueOf(t).Elem())
}

func (s *MCPServer) settings() []setting {
	return walk(nil, []string{"mcp", s.Name}, reflect.ValueOf(s).Elem())
}

func (t *MCPTool) settings() []setting {
	return walk(nil, []string{"mcp", t.server, "tools", t.Name}, reflect.ValueOf(t).Elem())
}

// entry is what stands under a name of the operator's choice.
type entry struct {
	settings []setting
	open     map[string]func(name string) entry // sections within it whose keys are names
	model    *Model                             // it is this one
	close    func()                             // puts it into the configuration
}

// open lists the sections whose keys are names.
func (c *Config) open() map[string]func(name string) entry {
	return map[string]func(name string) entry{
		"models.": func(name string) entry {
			m := &Model{Name: name}
			return entry{settings: m.settings(), model: m, close: func() { c.Models.Named = append(c.Models.Named, *m) }}
		},
		"tools.": func(name string) entry {
			t := &Tool{Name: name}
			return entry{settings: t.settings(), close: func() { c.Tools = append(c.Tools, *t) }}
		},
		"mcp.": func(name string) entry {
			s := &MCPServer{Name: name}
			return entry{
				settings: s.settings(), close: func() { c.MCP = append(c.MCP, *s) },
				open: map[string]func(string) entry{"mcp." + name + ".tools.": func(tool string) entry {
					t := &MCPTool{Name: tool, server: name}
					return entry{settings: t.settings(), close: func() { s.Tools = append(s.Tools, *t) }}
				}},
			}
		},
	}
}

// variables lists those that the file names.
func (c *Config) variables() []string {
	var names []string
	for _, m := range c.Models.Named {
		names = append(names, m.KeyEnv)
		for _, d := range m.Deployments {
			names = append(names, d.KeyEnv)
		}
	}
	for _, t := range c.Tools {
		names = append(names, t.Headers.variables()...)
	}
	for _, s := range c.MCP {
		names = append(names, append(s.Headers.variables(), s.Env.variables()...)...)
	}
	return names
}

// fillIn puts the variables into what tools send.
func (c *Config) fillIn(env map[string]string) (err error) {
	for i := range c.Tools {
		t := &c.Tools[i]
		if t.headers, err = t.Headers.fillIn("tools."+t.Name+".headers", env); err != nil {
			return err
		}
	}
	for i := range c.MCP {
		s := &c.MCP[i]
		if s.headers, err = s.Headers.fillIn("mcp."+s.Name+".headers", env); err != nil {
			return err
		}
		if s.env, err = s.Env.fillIn("mcp."+s.Name+".env", env); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkAgent() error {
	if n := len(c.Agent.ConfirmSecret); n > 0 && n < MinConfirmSecret {
		return bad("agent.confirm_secret", "want at least %d characters, got %d", MinConfirmSecret, n)
	}
	for _, t := range c.Tools {
		if err := t.check(c.Agent.Inside); err != nil {
			return err
		}
	}
	for _, s := range c.MCP {
		if err := s.check(c.Agent.Inside); err != nil {
			return err
		}
	}
	return nil
}

// toolName is what vendors take as the name of a tool.
var toolName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (t Tool) check(inside []string) error {
	at := "tools." + t.Name
	switch {
	case !toolName.MatchString(t.Name):
		return bad(at, "want a name of at most 64 letters, digits, _ and -")
	case t.Description == "":
		return bad(at, "want a description, by which a model knows when to use it")
	case t.URL == "":
		return bad(at, "want a url")
	case t.Parameters == "":
		return bad(at, "want parameters, {type: object} where there are none")
	}
	if err := checkReach(at+".url", placeholder.ReplaceAllString(t.URL, "x"), inside); err != nil {
		return err
	}
	return t.Use.check(at)
}

var placeholder = regexp.MustCompile(`\{@?\w+\}`)

// checkReach refuses plain http, which only hosts inside may be asked by.
func checkReach(key, address string, inside []string) error {
	if err := checkURL(key, address, "http", "https"); err != nil {
		return err
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "http" && !slices.Contains(inside, u.Host) {
		return bad(key, "want https, or %s among agent.inside (KEFU_AGENT_INSIDE)", u.Host)
	}
	return nil
}

func (u Use) check(at string) error {
	switch {
	case u.Effect == "":
		return bad(at, "want an effect: read, or write if the tool changes something")
	case u.Effect == "write" && u.ConfirmEN == "" && u.ConfirmZH == "":
		return bad(at, "want confirm_en or confirm_zh: the question that a customer is asked before a write")
	}
	return nil
}

func (s MCPServer) check(inside []string) error {
	at := "mcp." + s.Name
	switch {
	case !toolName.MatchString(s.Name) || len(s.Name) > 32:
		return bad(at, "want a name of at most 32 letters, digits, _ and -")
	case (s.URL == "") == (len(s.Command) == 0):
		return bad(at, "want either a url or a command")
	case len(s.Tools) == 0:
		return bad(at, "want tools: the names of those that models may use, each with its effect")
	}
	if err := checkReach(at+".url", s.URL, inside); err != nil {
		return err
	}
	for _, t := range s.Tools {
		if err := t.check(at + ".tools." + t.Name); err != nil {
			return err
		}
	}
	return nil
}
