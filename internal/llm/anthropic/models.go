package anthropic

import (
	"strings"

	vendor "github.com/anthropics/anthropic-sdk-go"
)

// traits are what a model accepts.
type traits struct {
	samples  bool // a temperature; newer models refuse any but their own
	thinking thinking
}

// thinking is how a model is kept from thinking before it answers. What it
// thinks is waited for, paid for, and counted against the bound on the
// completion, of which it may leave nothing.
type thinking uint8

const (
	silent   thinking = iota // does not think unless told to
	disabled                 // thinks unless told not to
	between                  // the same, by another word
	always                   // can only be told to think little
)

func (t thinking) restrain(p *vendor.MessageNewParams) {
	switch t {
	case disabled:
		off := vendor.NewThinkingConfigDisabledParam()
		p.Thinking.OfDisabled = &off
	case between:
		off := vendor.NewThinkingConfigBetweenToolsParam()
		p.Thinking.OfBetweenTools = &off
	case always:
		p.OutputConfig.Effort = vendor.OutputConfigEffortLow
	}
}

// traitsOf knows Claude's models by the beginning of their names, the longer
// beginning first. Source: platform.claude.com/docs, "Thinking" and the
// migration guides, November 2026. Other vendors' models behind the same
// protocol take what every model took at first; an unknown Claude gets
// nothing that the newest refuse.
func traitsOf(model string) traits {
	if !strings.HasPrefix(model, "claude-") {
		return traits{samples: true}
	}
	for _, known := range []struct {
		name string
		traits
	}{
		{"claude-haiku-5", traits{thinking: disabled}},
		{"claude-sonnet-5-5", traits{thinking: between}},
		{"claude-sonnet-5", traits{thinking: disabled}},
		{"claude-opus-5-5", traits{thinking: always}},
		{"claude-opus-5", traits{thinking: disabled}},
		{"claude-fable-", traits{thinking: always}},
		{"claude-mythos-", traits{thinking: always}},
		{"claude-opus-4-7", traits{}},
		{"claude-opus-4-8", traits{}},
		{"claude-opus-4", traits{samples: true}},
		{"claude-sonnet-4", traits{samples: true}},
		{"claude-haiku-4", traits{samples: true}},
		{"claude-3", traits{samples: true}},
	} {
		if strings.HasPrefix(model, known.name) {
			return known.traits
		}
	}
	return traits{}
}
