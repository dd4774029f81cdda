package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/lang"
)

// question is the body of POST /query.
type question struct {
	Question     string `json:"question"`
	UserID       string `json:"user_id,omitempty"`
	Model        string `json:"model,omitempty"`
	Provider     string `json:"provider,omitempty"`
	Confirmation string `json:"confirmation,omitempty"`
}

// reply is what the command shows of an answer.
type reply struct {
	Answer          string `json:"answer"`
	SourceDocuments []struct {
		Index             int
		Title, URL, Quote string
	} `json:"source_documents"`
	TokensUsed  int     `json:"tokens_used"`
	CacheTier   *string `json:"cache_tier"`
	Route       string  `json:"route"`
	RouteReason string  `json:"route_reason"`
	Model       string  `json:"model"`
	Provider    string  `json:"provider"`
	Usage       struct {
		CostUSD float64 `json:"cost_usd"`
	} `json:"usage"`
	Degraded bool `json:"degraded"`
	Handoff  *struct {
		Contact struct{ Message string }
		Pages   []struct{ Title, URL, Excerpt string }
	} `json:"handoff"`
	Confirmations []confirmation `json:"confirmations"`
	LatencyMS     int64          `json:"latency_ms"`
}

func (c *cli) askCommand() *cobra.Command {
	var server string
	var files batchFlags
	request := question{UserID: "cli"}
	cmd := &cobra.Command{
		Use: "ask QUESTION", Short: "Ask one question, or a file of them",
		Long: `Answers in this process, from the same database as the server, or asks a
running server with --server. '-' reads the question from standard input. What
would change something, such as cancelling an order, is asked back about on a
terminal; elsewhere it is done by the same command with --confirm.

--file asks many: each line is a question, or JSON with question and, if wanted,
id and user_id. --out gets a JSON line for each, in the same order. The same
command again goes on where it was interrupted and asks what failed once more.`,
		Example: "  kefu ask \"How long do I have to return a product?\"\n  kefu ask 签收后多少天内可以退货？ --json\n  kefu ask --server http://127.0.0.1:8000 \"Which plan is cheaper for two people?\"\n  kefu ask --file questions.jsonl --out answers.jsonl --concurrency 20",
		Args: args(func(cmd *cobra.Command, given []string) error {
			if files.in != "" {
				return cobra.NoArgs(cmd, given)
			}
			return cobra.MinimumNArgs(1)(cmd, given)
		}),
		RunE: func(cmd *cobra.Command, words []string) error {
			if err := files.check(cmd); err != nil {
				return err
			}
			if files.in != "" {
				return c.askAll(cmd.Context(), server, files, request)
			}
			request.Question = strings.Join(words, " ")
			if request.Question == "-" {
				raw, err := io.ReadAll(io.LimitReader(c.stdin, 64<<10))
				if err != nil {
					return fmt.Errorf("read question: %w", err)
				}
				request.Question = string(raw)
			}
			return c.withAsker(cmd.Context(), server, 1, func(ctx context.Context, a asker) error {
				return c.ask(ctx, a, request)
			})
		},
	}
	cmd.Flags().StringVar(&server, "server", "", "ask the server at this URL (its key in KEFU_API_KEY)")
	cmd.Flags().StringVar(&request.Model, "model", "", "answer with this model")
	cmd.Flags().StringVar(&request.Provider, "provider", "", "answer with this provider's models")
	cmd.Flags().StringVar(&request.Confirmation, "confirm", "", "agree to an action that the answer to this question proposed, by its token")
	files.declare(cmd)
	return cmd
}

// asker asks a Kefu. It is safe for concurrent use.
type asker struct {
	http        *http.Client
	server, key string
	batch       bool // nobody waits for a single answer
}

// withAsker runs f with a Kefu that takes conns questions at a time: the server
// at a URL, or without one this process, its settings changed by adjust, through
// the same HTTP handler.
func (c *cli) withAsker(ctx context.Context, server string, conns int, f func(context.Context, asker) error, adjust ...func(*config.Config)) error {
	if server != "" {
		a, err := c.serverAsker(server, conns)
		if err != nil {
			return err
		}
		defer a.http.CloseIdleConnections()
		return f(ctx, a)
	}
	return c.withApp(ctx, func(ctx context.Context, a *app) error {
		if err := a.firstLoad(ctx, c); err != nil {
			return err
		}
		if err := a.learn(ctx); err != nil {
			return err
		}
		open := a.edge
		open.Keys, open.Admin, open.Limiter = nil, nil, nil // whoever may read the database needs no key
		handler := httpapi.New(open, a.answerer, a.telemetry).Handler()
		return f(ctx, asker{http: &http.Client{Transport: inProcess{handler}}, server: "http://kefu"})
	}, adjust...)
}

func (c *cli) serverAsker(server string, conns int) (asker, error) {
	cfg, err := c.config()
	if err != nil {
		return asker{}, err
	}
	if u, err := url.Parse(server); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return asker{}, usageError{fmt.Errorf("--server %s: want a URL such as http://127.0.0.1:8000", server)}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = conns
	return asker{http: &http.Client{Transport: transport}, server: strings.TrimRight(server, "/"), key: cfg.APIKey.Value()}, nil
}

// patience is how long an answer is waited for; the server's own deadline is
// shorter.
const patience = 2 * time.Minute

func (c *cli) ask(ctx context.Context, a asker, q question) error {
	raw, got, err := a.query(ctx, q)
	if err != nil {
		return err
	}
	if err := c.print(raw, func(w io.Writer) { c.show(w, got) }); err != nil || c.json {
		return err
	}
	return c.confirm(ctx, a, q, got.Confirmations)
}

// query returns the reply as it came and what the commands show of it.
func (a asker) query(ctx context.Context, q question) (json.RawMessage, reply, error) {
	if !utf8.ValidString(q.Question) { // JSON would replace what is not
		return nil, reply{}, &desk.Error{Kind: desk.Invalid, Code: "invalid_utf8", Field: "question", Public: "The question is not UTF-8; the terminal or file is in another encoding."}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return nil, reply{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.server+"/query", bytes.NewReader(body))
	if err != nil {
		return nil, reply{}, usageError{err}
	}
	req.Header.Set("Content-Type", "application/json")
	if a.key != "" {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	if a.batch {
		req.Header.Set("X-Kefu-Priority", "batch")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, reply{}, noServer(req.URL.String(), err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return nil, reply{}, fmt.Errorf("read reply: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, reply{}, refused(resp, raw)
	}
	var got reply
	if err := json.Unmarshal(raw, &got); err != nil {
		return nil, reply{}, fmt.Errorf("%s did not answer like Kefu: %w", a.server, err)
	}
	return raw, got, nil
}

// codeNoServer is the code of an error that no server sent.
const codeNoServer = "server_unreachable"

func noServer(url string, err error) error {
	return &desk.Error{Kind: desk.Unavailable, Code: codeNoServer, Public: "no server answers at " + url + "; start one with 'kefu serve'", Err: err}
}

// inProcess carries requests to a handler without a network.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	w := &recorded{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, req)
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, nil
}

type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorded) Header() http.Header         { return w.header }
func (w *recorded) WriteHeader(status int)      { w.status = status }
func (w *recorded) Write(p []byte) (int, error) { return w.body.Write(p) }

// refused turns a server's problem back into an error with its meaning.
func refused(resp *http.Response, raw []byte) error {
	var p struct{ Code, Detail, Field string }
	if err := json.Unmarshal(raw, &p); err != nil || p.Code == "" {
		return fmt.Errorf("the server answered with status %d", resp.StatusCode)
	}
	kind := desk.Internal
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		kind = desk.Invalid
	case http.StatusUnauthorized:
		kind = desk.Unauthorised
		p.Detail += " This command sends KEFU_API_KEY."
	case http.StatusForbidden:
		kind = desk.Unauthorised
	case http.StatusTooManyRequests:
		kind = desk.RateLimited
		if p.Code == "over_budget" {
			kind = desk.OverBudget
		}
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusBadGateway:
		kind = desk.Unavailable
		if p.Code == "overloaded" {
			kind = desk.Overloaded
		}
	}
	after, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // seconds; none: 0
	return &desk.Error{Kind: kind, Code: p.Code, Field: p.Field, Public: p.Detail, RetryAfter: time.Duration(after) * time.Second}
}

// show prints an answer for people: the answer to stdout, how it came about to
// stderr.
func (c *cli) show(w io.Writer, a reply) {
	fmt.Fprintln(w, a.Answer)
	for _, s := range a.SourceDocuments {
		fmt.Fprintf(w, "\n[%d] %s", s.Index, s.Title)
		if s.URL != "" {
			fmt.Fprintf(w, " — %s", s.URL)
		}
		fmt.Fprintf(w, "\n    “%s”\n", strings.Join(strings.Fields(s.Quote), " "))
	}
	if a.Handoff != nil {
		for i, p := range a.Handoff.Pages {
			if i == 0 {
				fmt.Fprintf(w, "\n%s\n", mayHelp[lang.Of(a.Answer)])
			}
			fmt.Fprintf(w, "  %s\n", strings.TrimSuffix(p.Title+" — "+p.URL, " — "))
			if p.Excerpt != "" { // answers that were cached before there were excerpts
				fmt.Fprintf(w, "    “%s”\n", strings.Join(strings.Fields(p.Excerpt), " "))
			}
		}
		fmt.Fprintf(w, "\n%s\n", a.Handoff.Contact.Message)
	}
	c.say("\n%s (%s)%s · %s · $%.6f · %d ms%s", a.Route, a.RouteReason, by(a),
		plural(a.TokensUsed, "token"), a.Usage.CostUSD, a.LatencyMS, remarks(a))
}

// mayHelp stands above pages, in the language of the answer.
var mayHelp = map[desk.Lang]string{desk.English: "This may help:", desk.Chinese: "以下页面可能有帮助："}

// by names who wrote an answer, where anybody did.
func by(a reply) string {
	if a.Model == "" {
		return ""
	}
	return " · " + a.Provider + " " + a.Model
}

func remarks(a reply) string {
	var s string
	if a.CacheTier != nil {
		s += " · from the " + *a.CacheTier + " cache"
	}
	if a.Degraded {
		s += " · degraded: no model could be reached"
	}
	return s
}
