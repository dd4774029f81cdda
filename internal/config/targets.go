package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Target is one model with everything that is needed to ask it.
type Target struct {
	Name string // by which chains and requests may call it
	// Provider is shown in answers, metrics and the ledger: the protocol's name,
	// or Name for a model whose endpoint or key is its own.
	Provider string
	Protocol string        // OpenAI, Anthropic, Gemini or Offline
	Model    string        // the vendor's name
	Timeout  time.Duration // of one call; 0: that of all models
	Private  bool          // shows nothing to a third party
	// Endpoints share the calls; there is at least one, but for Offline.
	Endpoints []Endpoint
}

// Endpoint is one way to reach a model.
type Endpoint struct {
	BaseURL  string // empty: the vendor's own
	Key      Secret // empty: none is sent
	Weight   int    // share of the calls; 0: 1
	RPM, TPM int    // requests and tokens a minute; 0: no limit
}

// Targets is what the settings of Models and Chains amount to.
type Targets struct {
	Known           []Target // every model that a chain could name, in order; without offline
	Simple, Complex []Target // in the order in which they are tried; never empty
	Embedding       Target   // Offline where no provider embeds
}

// Targets resolves the names of models. Its error is that of Validate.
func (c *Config) Targets() (Targets, error) {
	known, err := c.Models.known()
	if err != nil {
		return Targets{}, err
	}
	r := resolver{models: &c.Models, known: known}
	simple, err := r.chain("simple", c.Chains.Simple)
	if err != nil {
		return Targets{}, err
	}
	involved, err := r.chain("complex", c.Chains.Complex)
	if err != nil {
		return Targets{}, err
	}
	embedding, err := r.embedding()
	if err != nil {
		return Targets{}, err
	}
	return Targets{Known: known, Simple: orElse(simple, involved), Complex: orElse(involved, simple), Embedding: embedding}, nil
}

// offline answers when nobody else does.
var offline = Target{Name: Offline, Provider: Offline, Protocol: Offline}

// orElse is chain or, where that is empty, the other tier's, or offline alone.
func orElse(chain, other []Target) []Target {
	switch {
	case len(chain) > 0:
		return chain
	case len(other) > 0:
		return other
	}
	return []Target{offline}
}

// account is where the models of a provider are reached that have no endpoint
// or key of their own.
type account struct {
	Endpoint
	provider, prefix string // prefix: of the keys of cheap and strong
	on               bool
	cheap, strong    string
}

// accounts lists the providers in the order in which they are tried.
func (m *Models) accounts() []account {
	openAI := Endpoint{BaseURL: m.OpenAIBaseURL, Key: m.OpenAIKey, RPM: m.OpenAIRPM, TPM: m.OpenAITPM}
	anthropic := Endpoint{BaseURL: m.AnthropicBaseURL, Key: m.AnthropicKey, RPM: m.AnthropicRPM, TPM: m.AnthropicTPM}
	gemini := Endpoint{BaseURL: m.GeminiBaseURL, Key: m.GeminiKey, RPM: m.GeminiRPM, TPM: m.GeminiTPM}
	return []account{
		{openAI, OpenAI, "models.", openAI.Key != "" || openAI.BaseURL != "", m.Cheap, m.Strong},
		{anthropic, Anthropic, "models.anthropic_", anthropic.Key != "", m.AnthropicCheap, m.AnthropicStrong},
		{gemini, Gemini, "models.gemini_", gemini.Key != "", m.GeminiCheap, m.GeminiStrong},
	}
}

// variable is the one that switches the account on.
func (a account) variable() string { return strings.ToUpper(a.provider) + "_API_KEY" }

// target is a model of the account under the vendor's name.
func (a account) target(model string) Target {
	return Target{Name: model, Provider: a.provider, Protocol: a.provider, Model: model, Endpoints: []Endpoint{a.Endpoint}}
}

// known are the named models, then those of the providers that are on.
func (m *Models) known() ([]Target, error) {
	var known []Target
	for i := range m.Named {
		t, err := m.named(&m.Named[i])
		if err != nil {
			return nil, err
		}
		if j := slices.IndexFunc(known, t.same); j >= 0 {
			return nil, bad("models."+t.Name, "%s of %s already has the name %s", t.Model, t.Provider, known[j].Name)
		}
		known = append(known, t)
	}
	for _, a := range m.accounts() {
		for _, model := range []string{a.cheap, a.strong} {
			if t := a.target(model); a.on && !slices.ContainsFunc(known, t.same) {
				known = append(known, t)
			}
		}
	}
	return known, nil
}

// same reports whether both are one model at one place.
func (t Target) same(other Target) bool {
	return t.Provider == other.Provider && t.Model == other.Model
}

// named is the target that n describes.
func (m *Models) named(n *Model) (Target, error) {
	accounts := m.accounts()
	a := accounts[slices.IndexFunc(accounts, func(a account) bool { return a.provider == n.Provider })]
	t := a.target(cmp.Or(n.Model, n.Name))
	t.Name, t.Timeout, t.Private, t.Endpoints = n.Name, n.Timeout, n.Private, nil
	for _, d := range n.deployments() {
		e := Endpoint{BaseURL: cmp.Or(d.BaseURL, n.BaseURL), Key: d.key, Weight: d.Weight, RPM: cmp.Or(d.RPM, n.RPM), TPM: cmp.Or(d.TPM, n.TPM)}
		switch {
		case e.BaseURL != "" || e.Key != "":
			t.Provider, e.BaseURL = n.Name, cmp.Or(e.BaseURL, a.BaseURL)
		case a.on:
			e.BaseURL, e.Key, e.RPM, e.TPM = a.BaseURL, a.Key, cmp.Or(e.RPM, a.RPM), cmp.Or(e.TPM, a.TPM)
		default:
			return Target{}, bad("models."+n.Name, "%s asks for a key: set %s, or name another variable with key_env", a.provider, a.variable())
		}
		if n.Private && e.BaseURL == "" {
			return Target{}, bad("models."+n.Name+".private", "the endpoint of %s itself is a third party; set base_url to where the model runs in the house", a.provider)
		}
		t.Endpoints = append(t.Endpoints, e)
	}
	return t, nil
}

// deployments are those of the list, else the one that n itself describes.
func (n *Model) deployments() []Deployment {
	if len(n.Deployments) > 0 {
		return n.Deployments
	}
	return []Deployment{{key: n.key}}
}

// resolver finds the models that names stand for.
type resolver struct {
	models *Models
	known  []Target
}

// chain is the chain of a tier, "simple" or "complex"; empty when there are
// neither names nor models for it.
func (r resolver) chain(tier string, names []string) ([]Target, error) {
	if len(names) == 0 {
		return r.usual(tier), nil
	}
	key := "chains." + tier
	var chain []Target
	for i, name := range names {
		t, ok := r.find(name)
		switch {
		case !ok:
			return nil, bad(key, "unknown model %q; %s", name, r.help(name))
		case slices.ContainsFunc(chain, t.same):
			return nil, bad(key, "%s stands there twice", name)
		case t.Protocol == Offline && i < len(names)-1:
			return nil, bad(key, "offline always answers, so nothing after it would be asked")
		}
		chain = append(chain, t)
	}
	return chain, nil
}

// usual is the chain where the settings name none: the models that were named
// for the tier, else one of each provider that is on. Where that is only one,
// its other model follows.
func (r resolver) usual(tier string) []Target {
	var chain, others []Target
	for _, n := range r.models.Named {
		if t, ok := r.find(n.Name); ok && n.Tier == tier {
			chain = append(chain, t)
		}
	}
	if len(chain) > 0 {
		return append(chain, offline)
	}
	for _, a := range r.models.accounts() {
		if !a.on {
			continue
		}
		first, second := a.target(a.cheap), a.target(a.strong)
		if tier == "complex" {
			first, second = second, first
		}
		chain, others = append(chain, r.settled(first)), append(others, r.settled(second))
	}
	switch len(chain) {
	case 0:
		return nil
	case 1:
		if !chain[0].same(others[0]) {
			chain = append(chain, others...)
		}
	}
	return append(chain, offline)
}

// settled is t as kefu.yaml describes it, if it does.
func (r resolver) settled(t Target) Target {
	if i := slices.IndexFunc(r.known, t.same); i >= 0 {
		return r.known[i]
	}
	return t
}

// find looks for a model by its name or, failing that, the vendor's.
func (r resolver) find(name string) (Target, bool) {
	if name == Offline {
		return offline, true
	}
	i := slices.IndexFunc(r.known, func(t Target) bool { return t.Name == name })
	if i < 0 {
		i = slices.IndexFunc(r.known, func(t Target) bool { return t.Model == name })
	}
	if i < 0 {
		return Target{}, false
	}
	return r.known[i], true
}

// help says what might have been meant by a name that there is not.
func (r resolver) help(name string) string {
	for _, a := range r.models.accounts() {
		if !a.on && (name == a.cheap || name == a.strong) {
			return fmt.Sprintf("it is a model of %s, which has no key: set %s", a.provider, a.variable())
		}
	}
	var names []string
	for _, t := range r.known {
		names = append(names, t.Name)
	}
	names = append(names, Offline)
	if near, ok := nearest(name, names); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "there are " + list(names, " and ")
}

// embedding is the named model of that name, else OpenAI's.
func (r resolver) embedding() (Target, error) {
	name := r.models.Embedding
	if i := slices.IndexFunc(r.models.Named, func(m Model) bool { return m.Name == name }); i >= 0 {
		if p := r.models.Named[i].Provider; p != OpenAI {
			return Target{}, bad("models.embedding", "%s is of %s, and only openai and compatible endpoints embed", name, p)
		}
		t, _ := r.find(name)
		if len(t.Endpoints) > 1 {
			return Target{}, bad("models.embedding", "%s has several deployments, and embeddings go to one", name)
		}
		return t, nil
	}
	if a := r.models.accounts()[0]; a.on {
		return a.target(name), nil
	}
	return offline, nil
}
