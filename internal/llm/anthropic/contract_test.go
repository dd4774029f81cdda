package anthropic

import (
	"net/http"
	"testing"

	"kefu/internal/llm"
	"kefu/internal/llm/llmtest"
)

func dial(server string, client *http.Client) llm.Provider {
	return New(Config{Name: llmtest.Name, BaseURL: server, Key: llmtest.SecretKey, HTTP: client})
}

func TestTheContractOfProviders(t *testing.T) { llmtest.Provider(t, dial) }
