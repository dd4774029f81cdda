package gemini

import "strings"

// generation is the part of a request that depends on the model.
type generation struct {
	Temperature     *float64  `json:"temperature,omitempty"`
	MaxOutputTokens int       `json:"maxOutputTokens,omitempty"`
	Thinking        *thinking `json:"thinkingConfig,omitempty"`
}

// thinking bounds what a model thinks before it answers: that is waited for,
// paid for, and counted against MaxOutputTokens, of which it may leave nothing.
// One of the fields is set.
type thinking struct {
	Level  string `json:"thinkingLevel,omitempty"`
	Budget *int   `json:"thinkingBudget,omitempty"`
}

// generationOf knows the models by the beginning of their names. Source:
// ai.google.dev and docs.cloud.google.com, "Thinking" and the guides of the
// models, November 2026. From the third generation on a model is meant to be
// used at its own temperature; its thinking has levels, of which every model
// takes "low" and the lite ones think least by default.
func generationOf(model string, temperature float64, maxTokens int) generation {
	g := generation{MaxOutputTokens: maxTokens}
	budget := func(tokens int) *thinking { return &thinking{Budget: &tokens} }
	switch {
	case strings.HasPrefix(model, "gemini-3"):
		if !strings.Contains(model, "flash-lite") {
			g.Thinking = &thinking{Level: "low"}
		}
		return g
	case strings.HasPrefix(model, "gemini-2.5-flash"):
		g.Thinking = budget(0)
	case strings.HasPrefix(model, "gemini-2.5-pro"):
		g.Thinking = budget(128) // the least that it takes
	case strings.HasPrefix(model, "gemini-") && !strings.HasPrefix(model, "gemini-2") && !strings.HasPrefix(model, "gemini-1"):
		return g // a newer generation
	}
	g.Temperature = &temperature
	return g
}
