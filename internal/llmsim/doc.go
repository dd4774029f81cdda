// Package llmsim simulates language model vendors over HTTP: chat completions
// and embeddings in OpenAI's form, messages in Anthropic's, generateContent in
// Gemini's, for demonstrations, tests and load. It answers from the numbered
// passages of the prompt, so that the whole path of a question can be seen, and
// it fails in the ways in which vendors fail: slowly, with a status, half way
// or with the wrong content.
//
// A Sim is an http.Handler: serve it, or give it to httptest.NewServer. Its
// behaviour is changed while it runs by Configure or PUT /sim/config, and call
// by call by Script or PUT /sim/script; what it was asked is counted at
// /sim/stats and listed at /sim/log. Neither holds texts or keys.
package llmsim
