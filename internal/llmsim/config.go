package llmsim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Mode is what the simulator makes of a prompt.
type Mode string

const (
	// Faithful quotes the passages' best sentences, each with its number.
	Faithful Mode = "faithful"
	// Fabricate adds an invented sentence with the number of a real passage.
	Fabricate Mode = "fabricate"
	// Miscite quotes the right sentence under the number of another passage.
	Miscite Mode = "miscite"
	// Refuse declines every question.
	Refuse Mode = "refuse"
	// Obey follows instructions that stand in what should be data.
	Obey Mode = "obey"
)

// Config is how the simulator behaves. The zero value answers faithfully, at
// once and without fail. At most one fault strikes a request; the
// probabilities of all of them add up to at most 1.
type Config struct {
	// Mode is Faithful when empty.
	Mode Mode `json:"mode"`
	// Latency passes before the first byte of every reply, failures included.
	Latency Distribution `json:"latency"`
	// TokenInterval passes between two streamed tokens.
	TokenInterval Distribution `json:"token_interval"`
	// Length is how many tokens a completion has at least: what it says is said
	// again until then. 0 (default): once.
	Length int `json:"length"`

	// Failures are the probabilities of error replies, by status ("429", "503")
	// or by the vendor's error code ("insufficient_quota"); see FailureCodes.
	Failures Failures `json:"failures"`
	// RetryAfter is how long replies with 429, 503 and 529 ask to wait, in
	// seconds; 0 (default) for none.
	RetryAfter int `json:"retry_after"`
	// Hang is the probability that a request is never answered.
	Hang float64 `json:"hang"`
	// Truncate is the probability that a stream ends without a finish reason,
	// or a JSON reply within its body, as if all were well.
	Truncate float64 `json:"truncate"`
	// Disconnect is the probability of a TCP reset within the reply.
	Disconnect float64 `json:"disconnect"`
	// HTML is the probability of status 200 with a web page.
	HTML float64 `json:"html"`
	// CutAfter is how many tokens of a stream precede a truncation or reset:
	// 0 (default) for half of them, -1 for none.
	CutAfter int `json:"cut_after"`
	// Models restricts faults to requests for these models; empty: all.
	Models []string `json:"models"`
}

// Validate reports every value outside its range.
func (c Config) Validate() error {
	var errs []error
	switch c.Mode {
	case "", Faithful, Fabricate, Miscite, Refuse, Obey:
	default:
		errs = append(errs, fmt.Errorf("mode: %q is not one of faithful, fabricate, miscite, refuse, obey", c.Mode))
	}
	if c.Length < 0 || c.Length > 1e6 {
		errs = append(errs, fmt.Errorf("length: %d is not within 0 to 1,000,000 tokens", c.Length))
	}
	if c.RetryAfter < 0 || c.RetryAfter > 86400 {
		errs = append(errs, fmt.Errorf("retry_after: %d is not within 0 to 86400 seconds", c.RetryAfter))
	}
	if c.CutAfter < -1 {
		errs = append(errs, fmt.Errorf("cut_after: %d is less than -1", c.CutAfter))
	}
	total := 0.0
	probability := func(name string, p float64) {
		if !(p >= 0 && p <= 1) { // also refuses NaN
			errs = append(errs, fmt.Errorf("%s: %v is not a probability from 0 to 1", name, p))
		}
		total += p
	}
	for _, name := range slices.Sorted(maps.Keys(c.Failures)) {
		if _, err := parseFailure(name); err != nil {
			errs = append(errs, err)
		}
		probability("failures."+name, c.Failures[name])
	}
	probability("hang", c.Hang)
	probability("truncate", c.Truncate)
	probability("disconnect", c.Disconnect)
	probability("html", c.HTML)
	if total > 1+1e-9 {
		errs = append(errs, fmt.Errorf("probabilities of faults add up to %.3g, more than 1", total))
	}
	return errors.Join(errs...)
}

// Failures maps statuses and error codes to probabilities. Its text form is
// "429:0.1,insufficient_quota:0.05".
type Failures map[string]float64

// String is the form that Set reads, in order of the names.
func (f Failures) String() string {
	parts := make([]string, 0, len(f))
	for _, name := range slices.Sorted(maps.Keys(f)) {
		parts = append(parts, name+":"+strconv.FormatFloat(f[name], 'g', -1, 64))
	}
	return strings.Join(parts, ",")
}

// Set replaces the failures by those of text; it makes Failures a flag.Value.
func (f *Failures) Set(text string) error {
	parsed := Failures{}
	for part := range strings.SplitSeq(text, ",") {
		name, p, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			return fmt.Errorf("%q is not of the form 429:0.1", part)
		}
		probability, err := strconv.ParseFloat(p, 64)
		if err != nil {
			return fmt.Errorf("%q is not a probability", p)
		}
		if _, err := parseFailure(name); err != nil {
			return err
		}
		parsed[name] = probability
	}
	*f = parsed
	return nil
}

// failure is an error reply in OpenAI's words, which the other protocols
// translate.
type failure struct {
	status  int
	kind    string // "type" in the reply
	code    string
	message string
}

// Codes that mean more than their status.
const (
	insufficientQuota = "insufficient_quota"
	contextTooLong    = "context_length_exceeded"
	contentPolicy     = "content_policy_violation"
	modelNotFound     = "model_not_found"
	invalidKey        = "invalid_api_key"
	noTools           = "no_tools" // only the name here: whoever refuses tools gives no code
)

var failureCodes = map[string]failure{
	insufficientQuota: {429, "insufficient_quota", insufficientQuota, "You exceeded your current quota, please check your plan and billing details."},
	contextTooLong:    {400, "invalid_request_error", contextTooLong, "This model's maximum context length is 8192 tokens. Please reduce the length of the messages."},
	contentPolicy:     {400, "invalid_request_error", contentPolicy, "Your request was rejected as a result of our safety system."},
	modelNotFound:     {404, "invalid_request_error", modelNotFound, "The model does not exist or you do not have access to it."},
	invalidKey:        {401, "invalid_request_error", invalidKey, "Incorrect API key provided."},
	noTools:           {400, "api_error", "", "registry.ollama.ai/library/gemma3:4b does not support tools"}, // as Ollama says it
}

// statusOverloaded is Anthropic's own.
const statusOverloaded = 529

// overloaded is the failure that comes inside of a reply.
var overloaded = failure{statusOverloaded, "server_error", "server_error", "Overloaded"}

// FailureCodes lists the error codes that Failures knows besides statuses.
func FailureCodes() []string { return slices.Sorted(maps.Keys(failureCodes)) }

func parseFailure(name string) (failure, error) {
	if f, ok := failureCodes[name]; ok {
		return f, nil
	}
	status, err := strconv.Atoi(name)
	if err != nil || status < 400 || status > 599 {
		return failure{}, fmt.Errorf("failures: %q is neither a status from 400 to 599 nor one of %s", name, strings.Join(FailureCodes(), ", "))
	}
	switch {
	case status == 401:
		return failureCodes[invalidKey], nil
	case status == 404:
		return failureCodes[modelNotFound], nil
	case status == 429:
		return failure{429, "requests", "rate_limit_exceeded", "Rate limit reached for requests."}, nil
	case status == 503:
		return failure{503, "server_error", "", "The engine is currently overloaded, please try again later."}, nil
	case status >= 500:
		return failure{status, "server_error", "", "The server had an error while processing your request."}, nil
	}
	return failure{status, "invalid_request_error", "", "The request was refused."}, nil
}
