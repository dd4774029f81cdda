package gateway

import (
	"fmt"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Model is a name that a call may ask for.
type Model struct {
	Name     string
	Provider string
	Tier     llm.Tier
}

// Models lists the configured targets by tier, in the order in which they are
// tried.
func (g *Gateway) Models() []Model {
	var models []Model
	for _, tier := range g.tiers {
		for _, t := range g.chains[tier].all() {
			models = append(models, Model{Name: t.Name, Provider: t.Provider, Tier: tier})
		}
	}
	return models
}

// Check reports whether a call may be restricted to a model and a provider,
// either of which may be empty. The error is a *desk.Error that names the
// field and what is configured.
func (g *Gateway) Check(model, provider string) error {
	var models, providers []string
	known := model == ""
	for _, tier := range g.tiers {
		for _, t := range g.chains[tier].all() {
			if !slices.Contains(providers, t.Provider) {
				providers = append(providers, t.Provider)
			}
			if t.fits("", provider) && !slices.Contains(models, t.Name) {
				models = append(models, t.Name)
			}
			known = known || t.fits(model, provider)
		}
	}
	if provider != "" && !slices.Contains(providers, provider) {
		return unknown("provider", providers)
	}
	if !known {
		return unknown("model", models)
	}
	return nil
}

// fits reports whether a call for a model, by its name or the vendor's, and a
// provider may go to t; empty means any.
func (t *target) fits(model, provider string) bool {
	return (model == "" || model == t.Name || model == t.Model) && (provider == "" || provider == t.Provider)
}

func unknown(field string, configured []string) error {
	return &desk.Error{
		Kind: desk.Invalid, Code: "unknown_" + field, Field: field,
		Public: fmt.Sprintf("unknown %s; configured: %s", field, strings.Join(configured, ", ")),
	}
}

// chainOf is the chain that a call goes along: what it asked for, without third
// parties if it is private.
func (g *Gateway) chainOf(c llm.Call) (chain, error) {
	ch, err := g.asked(c)
	if c.Private && err == nil {
		ch = g.private(ch)
	}
	return ch, err
}

// private is a chain without third parties. If no model is left in it, those of
// another tier take their place. If there are none either, the last resort
// answers, and is not marked as degraded.
func (g *Gateway) private(ch chain) chain {
	if ch.paid == nil && ch.last != nil {
		return ch // the last resort alone, as configured or asked for by name
	}
	kept := chain{paid: filter(ch.paid, inHouse), last: ch.last}
	for _, tier := range g.tiers {
		other := g.chains[tier]
		if kept.paid == nil {
			kept.paid = filter(other.paid, inHouse)
		}
		if kept.last == nil {
			kept.last = other.last
		}
	}
	return kept
}

func inHouse(t *target) bool { return t.Private }

// asked is the chain of a call's tier or, where the call asks for a model or
// provider, the targets that fit, taken from other tiers only when its own has
// none.
func (g *Gateway) asked(c llm.Call) (chain, error) {
	own := g.chains[c.Tier]
	if c.Model == "" && c.Provider == "" {
		return own, nil
	}
	fits := func(t *target) bool { return t.fits(c.Model, c.Provider) }
	if own.last != nil && fits(own.last) {
		return chain{last: own.last}, nil // asked for by name: not degraded
	}
	if paid := filter(own.paid, fits); paid != nil {
		return chain{paid: paid, last: own.last}, nil
	}
	for _, tier := range g.tiers {
		other := g.chains[tier]
		if paid := filter(other.paid, fits); paid != nil {
			return chain{paid: paid, last: own.last}, nil
		}
		if other.last != nil && fits(other.last) {
			return chain{last: other.last}, nil
		}
	}
	return chain{}, g.Check(c.Model, c.Provider)
}

func (ch chain) all() []*target {
	if ch.last == nil {
		return ch.paid
	}
	return append(slices.Clone(ch.paid), ch.last)
}

func filter(targets []*target, keep func(*target) bool) []*target {
	var kept []*target
	for _, t := range targets {
		if keep(t) {
			kept = append(kept, t)
		}
	}
	return kept
}
