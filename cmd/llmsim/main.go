// Command llmsim serves simulated language model vendors over HTTP.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"kefu/internal/llmsim"
	"kefu/internal/llmsim/orders"
)

// drain bounds how long requests under way may take after SIGTERM.
const drain = 10 * time.Second

const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program without its process; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "llmsim: %v\nRun llmsim --help for usage.\n", err)
		return exitUsage
	}
	sim, err := llmsim.NewSized(o.config, o.logSize)
	if err != nil {
		fmt.Fprintf(stderr, "llmsim: %v\n", err)
		return exitUsage
	}
	mux := http.NewServeMux()
	mux.Handle("/", sim)
	mux.Handle("/orders/", orders.New(o.ordersToken))
	if err := serve(ctx, o.addr, mux, sim.Release, stderr); err != nil {
		fmt.Fprintf(stderr, "llmsim: %v\n", err)
		return exitFailure
	}
	return 0
}

// serve answers on addr until ctx ends, then releases requests that hang and
// lets those under way finish.
func serve(ctx context.Context, addr string, handler http.Handler, release func(), stderr io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(stderr, "llmsim: serving on http://%s/v1 (any key, any model; behaviour: PUT /sim/config, PUT /sim/script)\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	server.RegisterOnShutdown(release)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err = server.Shutdown(limited)
	if err != nil {
		err = fmt.Errorf("requests still under way after %s were cut: %w", drain, errors.Join(err, server.Close()))
	}
	<-served
	return err
}

type options struct {
	addr    string
	logSize int
	// ordersToken is what the order service wants as bearer token; empty: none.
	ordersToken string
	config      llmsim.Config
}

func parse(args []string, stdout io.Writer) (options, error) {
	o := options{config: llmsim.Config{Mode: llmsim.Faithful}}
	f := flag.NewFlagSet("llmsim", flag.ContinueOnError)
	f.SetOutput(io.Discard) // the error is reported by the caller, the help below
	c := &o.config
	f.StringVar(&o.addr, "addr", "127.0.0.1:8090", "`address` to listen on; port 0 picks a free one")
	f.IntVar(&o.logSize, "log-size", llmsim.DefaultLogSize, "`requests` that GET /sim/log keeps")
	f.StringVar(&o.ordersToken, "orders-token", "", "bearer `token` that the order service asks for (default none)")
	f.Func("mode", "`mode` of answering: faithful, fabricate (adds an invented sentence with a citation), miscite (right sentence, wrong number), refuse or obey (follows instructions that stand in the data) (default faithful)", func(s string) error {
		c.Mode = llmsim.Mode(s)
		return nil
	})
	f.TextVar(&c.Latency, "latency", llmsim.Distribution{}, "`distribution` of the time before the first byte: fixed:50ms, uniform:20ms-80ms or lognormal:median:p99")
	f.TextVar(&c.TokenInterval, "token-interval", llmsim.Distribution{}, "`distribution` of the time between streamed tokens")
	f.IntVar(&c.Length, "length", 0, "least `tokens` of a completion: what it says is said again until then")
	f.Var(&c.Failures, "fail", "`failures` with their probabilities, as 429:0.1,500:0.05; besides statuses "+strings.Join(llmsim.FailureCodes(), ", "))
	f.IntVar(&c.RetryAfter, "retry-after", 0, "`seconds` that 429, 503 and 529 ask to wait; 0 asks for nothing")
	f.Float64Var(&c.Hang, "hang", 0, "`probability` that a request is never answered")
	f.Float64Var(&c.Truncate, "truncate", 0, "`probability` that a stream ends without a finish reason, or a JSON reply within its body")
	f.Float64Var(&c.Disconnect, "disconnect", 0, "`probability` of a TCP reset within the reply")
	f.Float64Var(&c.HTML, "html", 0, "`probability` of status 200 with a web page")
	f.IntVar(&c.CutAfter, "cut-after", 0, "`tokens` of a stream before it is truncated or reset; 0 is half of them, -1 none")
	f.Func("fault-models", "comma-separated `models` whose requests the faults may strike (default all)", func(s string) error {
		c.Models = strings.Split(s, ",")
		return nil
	})
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(f, stdout)
		return o, err
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, err
}

func usage(f *flag.FlagSet, w io.Writer) {
	fmt.Fprint(w, `llmsim simulates language model vendors with the interfaces of OpenAI, Anthropic and Gemini.

Usage: llmsim [flags]

Endpoints:
  POST   /v1/chat/completions  JSON and SSE; answers by quoting the numbered passages of the prompt
  POST   /v1/embeddings        deterministic: similar texts have similar vectors
  GET    /v1/models            some names; every name is served
  POST   /v1/messages          the same answers in Anthropic's form, JSON and SSE
  POST   /v1beta/models/NAME:generateContent, NAME:streamGenerateContent?alt=sse
                               the same in Gemini's
  GET    /orders/{id}          a shop's order, LN20410001 to LN20410040 or its last five digits: a tool's service
  POST   /orders/{id}/cancel   cancels it; needs an Idempotency-Key
  GET    /sim/config           the behaviour, as JSON
  PUT    /sim/config           replaces it: the fields are those of GET, omitted ones are zero
  GET    /sim/script           steps that no call has taken yet, as JSON
  PUT    /sim/script           replaces them: a list, of which each call takes the first that is meant for it
  GET    /sim/stats            counts since the start
  GET    /sim/log              the newest requests, one JSON object a line: no texts, no keys
  DELETE /sim/log              empties the log

Example: a vendor that is slow, limits every tenth request and cuts one stream in a hundred
  llmsim --latency lognormal:400ms:2s --token-interval fixed:15ms --fail 429:0.1 --retry-after 2 --truncate 0.01

Example: the next call is limited, the one after it breaks off after 5 tokens, all others are as configured
  curl -X PUT localhost:8090/sim/script -d '[{"fault":"429","retry_after":1},{"fault":"disconnect","cut_after":5}]'

Fields of a step, each of which may be left out: model, mode, latency, token_interval, retry_after, cut_after and
fault: a status, `+strings.Join(llmsim.FailureCodes(), ", ")+`,
or hang, truncate, disconnect, stall (silence but keep-alives), error (inside of a reply with status 200) or html.

Flags:
`)
	f.SetOutput(w)
	f.PrintDefaults()
}
