// Package llmsim simulates a language model vendor over HTTP: chat completions
// (JSON and SSE), embeddings and models in OpenAI's form, for demonstrations,
// tests and load. It answers from the numbered passages of the prompt, so that
// the whole path of a question can be seen, and it fails in the ways in which
// vendors fail: slowly, with a status, half way or with the wrong content.
//
// A Sim is an http.Handler: serve it, or give it to httptest.NewServer. Its
// behaviour is changed while it runs by Configure or PUT /sim/config; what it
// was asked is counted at /sim/stats and listed at /sim/log. Neither holds
// texts or keys.
package llmsim
