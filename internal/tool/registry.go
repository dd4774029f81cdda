package tool

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Registry holds the tools that there are. It is immutable and safe for
// concurrent use.
type Registry struct {
	specs, reads []llm.ToolSpec
	tools        map[string]entry
	some         bool // tools are for some tenants alone
}

type entry struct {
	Tool
	spec   Spec
	schema *schema
	slots  chan struct{} // one for each use under way
}

var (
	goodName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	reference = regexp.MustCompile(`\{(@?[A-Za-z_][A-Za-z0-9_]*)\}`)
)

// NewRegistry returns the registry of the tools. The error names the tool whose
// declaration cannot be used.
func NewRegistry(tools ...Tool) (*Registry, error) {
	r := &Registry{tools: make(map[string]entry, len(tools))}
	for _, t := range tools {
		e := entry{Tool: t, spec: t.Spec().withDefaults()}
		var err error
		if e.schema, err = e.spec.check(); err != nil {
			return nil, fmt.Errorf("tool %q: %w", e.spec.Name, err)
		}
		if _, twice := r.tools[e.spec.Name]; twice {
			return nil, fmt.Errorf("tool %q: declared twice", e.spec.Name)
		}
		e.slots = make(chan struct{}, e.spec.Parallel)
		r.add(e)
	}
	return r, nil
}

func (r *Registry) add(e entry) {
	r.tools[e.spec.Name] = e
	r.some = r.some || len(e.spec.Tenants) > 0
	told := llm.ToolSpec{Name: e.spec.Name, Description: e.spec.Description, Parameters: e.spec.Parameters}
	r.specs = append(r.specs, told)
	if e.spec.Effect == Read {
		r.reads = append(r.reads, told)
	}
}

// For is the registry of what there is for a tenant. It shares the places of
// its tools with r.
func (r *Registry) For(tenant desk.TenantID) *Registry {
	if !r.some {
		return r
	}
	own := &Registry{tools: make(map[string]entry, len(r.tools))}
	for _, told := range r.specs {
		if e := r.tools[told.Name]; len(e.spec.Tenants) == 0 || slices.Contains(e.spec.Tenants, tenant) {
			own.add(e)
		}
	}
	return own
}

// check reports the first thing that is wrong with a declaration.
func (s Spec) check() (*schema, error) {
	switch {
	case !goodName.MatchString(s.Name):
		return nil, errors.New("name: want at most 64 letters, digits, _ or -")
	case s.Description == "":
		return nil, errors.New("description: must not be empty")
	case s.Effect != Read && s.Effect != Write:
		return nil, fmt.Errorf("effect: want %s or %s", Read, Write)
	case s.Timeout < 0 || s.MaxBytes < 0 || s.Parallel < 0:
		return nil, errors.New("timeout, max_bytes and parallel: want no negative value")
	case s.Effect == Write && s.Confirm.In(desk.English) == "" && s.Confirm.In(desk.Chinese) == "":
		return nil, errors.New("confirm: a write needs the question that the customer confirms")
	}
	compiled, err := compile(s.Parameters)
	if err != nil {
		return nil, err
	}
	for _, text := range s.Confirm {
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			if compiled.root.Properties[m[1]] == nil {
				return nil, fmt.Errorf("confirm: %s is no argument", m[0])
			}
		}
	}
	return compiled, nil
}

// Specs returns what a model is told, in the order of declaration: of all
// tools, or of those that change nothing.
func (r *Registry) Specs(readOnly bool) []llm.ToolSpec {
	if readOnly {
		return r.reads
	}
	return r.specs
}

// Spec returns the declaration of a tool.
func (r *Registry) Spec(name string) (Spec, bool) {
	e, ok := r.tools[name]
	return e.spec, ok
}

// Validate reports why the tool of that name does not take the arguments. The
// error is a *desk.Error whose Public tells the model what to mend; it may
// repeat arguments.
func (r *Registry) Validate(name string, arguments map[string]any) error {
	e, ok := r.tools[name]
	if !ok {
		return &desk.Error{Kind: desk.NotFound, Code: CodeUnknownTool, Public: "there is no tool of this name"}
	}
	return e.schema.validate(arguments)
}

// Call uses a tool with valid arguments, within its timeout and its bound on
// results. JSON comes back as one line a value. A write without a key is
// refused: nobody has confirmed it.
func (r *Registry) Call(ctx context.Context, name string, in Input) (Result, error) {
	if err := r.Validate(name, in.Arguments); err != nil {
		return Result{}, err
	}
	e := r.tools[name]
	if e.spec.Effect == Write && in.Key == "" {
		return Result{}, &desk.Error{Kind: desk.Forbidden, Code: CodeUnconfirmed, Public: "the customer has not confirmed this"}
	}
	ctx, cancel := context.WithTimeout(ctx, e.spec.Timeout)
	defer cancel()
	result, err := e.use(ctx, in)
	if err == nil && len(result.Text) > e.spec.MaxBytes {
		err = tooLarge(e.spec.MaxBytes)
	}
	switch {
	case err != nil && e.spec.Effect == Write && mayBeDone(err):
		return Result{}, &desk.Error{
			Kind: desk.Unavailable, Code: CodeOutcomeUnknown, Err: err,
			Public: "nobody knows whether this was done; say so, and claim neither",
		}
	case err != nil && kindOf(err) != desk.RateLimited && (errors.Is(ctx.Err(), context.DeadlineExceeded) || kindOf(err) == desk.TimedOut):
		return Result{}, &desk.Error{Kind: desk.TimedOut, Code: CodeTimeout, Public: "the tool took too long to answer", Err: err}
	case err != nil:
		return Result{}, err
	}
	result.Text = lines(result.Text)
	return result, nil
}

// use runs the tool once there is a place for it, so that one that hangs holds
// up no more than its own uses.
func (e entry) use(ctx context.Context, in Input) (Result, error) {
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return Result{}, &desk.Error{Kind: desk.RateLimited, Code: CodeBusy, Public: "the tool is used too often right now", Err: ctx.Err()}
	}
	return e.Run(ctx, in)
}

// mayBeDone reports errors after which a write may nevertheless have happened:
// all but those that ended it before it was sent.
func mayBeDone(err error) bool {
	switch kindOf(err) {
	case desk.Invalid, desk.Forbidden, desk.NotFound, desk.RateLimited:
		return false
	}
	return true
}

func kindOf(err error) desk.Kind {
	var e *desk.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return desk.Internal
}

func tooLarge(limit int) *desk.Error {
	return &desk.Error{
		Kind: desk.TooLarge, Code: CodeTooLarge, Public: "the result was too large to read",
		Err: fmt.Errorf("more than %d bytes", limit),
	}
}
