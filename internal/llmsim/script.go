package llmsim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Step is what happens to one call, instead of what the configuration says:
// its zero value is a faithful reply at once.
type Step struct {
	// Model restricts the step to calls of this model; empty: any call.
	Model string `json:"model,omitempty"`
	// Fault is a status ("429"), one of FailureCodes, or one of
	//
	//	hang        no answer at all
	//	truncate    the stream or body ends in the middle, as if all were well
	//	disconnect  the same by a TCP reset
	//	stall       the stream or body goes silent in the middle, keep-alives aside
	//	error       an error within a stream, or instead of a reply with status 200
	//	html        a web page with status 200
	//
	// Empty: none.
	Fault string `json:"fault,omitempty"`
	// The others are those of Config.
	Mode          Mode         `json:"mode,omitempty"`
	Latency       Distribution `json:"latency,omitzero"`
	TokenInterval Distribution `json:"token_interval,omitzero"`
	RetryAfter    int          `json:"retry_after,omitempty"`
	CutAfter      int          `json:"cut_after,omitempty"`
}

// config is the behaviour during the step, its fault aside.
func (s Step) config() Config {
	return Config{
		Mode: cmp.Or(s.Mode, Faithful), Latency: s.Latency, TokenInterval: s.TokenInterval,
		RetryAfter: s.RetryAfter, CutAfter: s.CutAfter,
	}
}

// fault reads Fault.
func (s Step) fault() (fault, error) {
	if kind, ok := faultNames[s.Fault]; ok {
		return fault{kind: kind}, nil
	}
	f, err := parseFailure(s.Fault)
	if err != nil {
		return fault{}, fmt.Errorf("fault %q is neither a status from 400 to 599 nor one of %s, %s",
			s.Fault, strings.Join(slices.Sorted(maps.Keys(faultNames))[1:], ", "), strings.Join(FailureCodes(), ", "))
	}
	return fault{kind: errorReply, failure: f}, nil
}

// script is a queue of steps. It is safe for concurrent use.
type script struct {
	length atomic.Int64 // spares calls the lock while there is no script

	mu    sync.Mutex
	steps []Step
}

func (s *script) replace(steps []Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = slices.Clone(steps)
	s.length.Store(int64(len(steps)))
}

func (s *script) left() []Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.steps)
}

// take removes and returns the first step for model.
func (s *script) take(model string) (step Step, ok bool) {
	if s.length.Load() == 0 {
		return Step{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.steps, func(s Step) bool { return s.Model == "" || s.Model == model })
	if i < 0 {
		return Step{}, false
	}
	step = s.steps[i]
	s.steps = slices.Delete(s.steps, i, i+1)
	s.length.Store(int64(len(s.steps)))
	return step, true
}

// Script replaces the queue of steps. Each call to a model, embeddings
// included, takes the first step that is meant for it; when there is none, the
// configuration holds. Requests that are refused as malformed take no step.
func (s *Sim) Script(steps ...Step) error {
	var errs []error
	for i, step := range steps {
		_, err := step.fault()
		if err := errors.Join(err, step.config().Validate()); err != nil {
			errs = append(errs, fmt.Errorf("step %d: %w", i+1, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.script.replace(steps)
	return nil
}

// ScriptLeft returns the steps that no call has taken yet.
func (s *Sim) ScriptLeft() []Step { return s.script.left() }

// fate decides what goes wrong with a reply of model: the script first, then
// the dice. Tools are refused where some are offered.
func (x *exchange) fate(model string, tools bool) fault {
	var f fault
	if step, ok := x.sim.script.take(model); ok {
		var err error
		if f, err = step.fault(); err != nil {
			panic(err) // Script has accepted the step
		}
		x.conduct = newConduct(step.config())
	} else {
		f = x.draw(model)
	}
	if !tools && f.failure == failureCodes[noTools] {
		return fault{}
	}
	return f
}

func (s *Sim) getScript(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.ScriptLeft())
}

func (s *Sim) putScript(w http.ResponseWriter, r *http.Request) {
	var steps []Step
	err := decodeStrictly(w, r, &steps)
	if err == nil {
		err = s.Script(steps...)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	writeJSON(w, http.StatusOK, s.ScriptLeft())
}

// decodeStrictly reads one JSON value without unknown fields.
func decodeStrictly(w http.ResponseWriter, r *http.Request, v any) error {
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	body.DisallowUnknownFields()
	if err := body.Decode(v); err != nil {
		return err
	}
	if body.More() {
		return errors.New("more than one JSON value")
	}
	return nil
}

func refuse(w http.ResponseWriter, err error) {
	writeJSON(w, http.StatusBadRequest, map[string]any{"error": map[string]string{"message": err.Error()}})
}
