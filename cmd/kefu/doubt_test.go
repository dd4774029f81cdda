package main_test

import (
	"strings"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// No vendor of embeddings is configured: the words decide who is asked.
func TestWhatWordsLeaveOpenALanguageModelIsAskedAndTheOfflineOneDeclines(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := newShop(t)
	reading := site.With("ANTHROPIC_API_KEY=a-simulated", "ANTHROPIC_BASE_URL="+vendor.URL())
	for question, answer := range map[string]string{
		"What will sending a parcel back cost me?": "4.95 euros [1]",
		"用过的商品还能退吗？":                               "商品必须未经使用",
	} {
		holds(t, "the offline model", site.Must("ask", question), "help@example.com")
		holds(t, "the language model", reading.Must("ask", question), answer)
	}
	asked := vendor.Calls("/messages")
	if reading.Must("ask", "How tall is the Eiffel Tower?"); vendor.Calls("/messages") != asked {
		t.Error("a question that shares no word with the knowledge base was sent to the vendor")
	}
	vendor.Behave(llmsim.Config{Failures: llmsim.Failures{"401": 1}})
	text := reading.Must("ask", "What will sending a parcel back cost me?")
	holds(t, "the offline model in the vendor's place", text, "help@example.com")
	if vendor.Calls("/messages") == asked || strings.Contains(text, "[1]") {
		t.Errorf("%d calls after %d, answer %s", vendor.Calls("/messages"), asked, text)
	}
}
