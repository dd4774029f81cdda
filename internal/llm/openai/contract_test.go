package openai

import (
	"net/http"
	"testing"

	"kefu/internal/llm"
	"kefu/internal/llm/llmtest"
)

func dial(server string, client *http.Client) llm.Provider {
	return New(Config{Name: llmtest.Name, BaseURL: server + "/v1", Key: llmtest.SecretKey, HTTP: client})
}

func TestTheContractOfProviders(t *testing.T) { llmtest.Provider(t, dial) }
