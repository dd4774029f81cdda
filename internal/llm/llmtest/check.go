package llmtest

import (
	"fmt"
	"net/http"
	"testing"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

func (v *vendor) checks(t *testing.T) {
	sim, p := v.start(t)
	if err := p.(llm.Checker).Check(t.Context(), Model); err != nil {
		t.Errorf("Check = %v, want none", err)
	}
	if n := len(sim.Log()); n != 0 {
		t.Errorf("%d calls were billed", n)
	}
	for status, want := range map[int]llm.FailureKind{
		http.StatusUnauthorized: llm.Unauthorised, http.StatusForbidden: llm.Unauthorised, http.StatusNotFound: llm.ModelGone, http.StatusServiceUnavailable: llm.Unavailable,
	} {
		p := Serve(t, v.dial, Reply(status, fmt.Sprintf(`{"error":{"code":%d,"message":%q}}`, status, SecretBody)))
		err := p.(llm.Checker).Check(t.Context(), Model)
		if llm.KindOf(err) != want {
			t.Errorf("Check of one that answers %d = %v, want kind %s", status, err, want)
		}
		Private(t, err)
	}
	nowhere := v.dial("http://127.0.0.1:1", wire.NewHTTPClient(0))
	if err := nowhere.(llm.Checker).Check(t.Context(), Model); llm.KindOf(err) != llm.Unreachable {
		t.Errorf("Check of nobody = %v, want kind %s", err, llm.Unreachable)
	}
}
