package llmsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkChat is the cost of one request without the network.
func BenchmarkChat(b *testing.B) {
	for _, size := range []int{300, 3000} {
		b.Run(fmt.Sprintf("%d byte prompt", size), func(b *testing.B) {
			sim, err := New(Config{})
			if err != nil {
				b.Fatal(err)
			}
			var prompt strings.Builder
			for n := 1; prompt.Len() < size-60; n++ {
				fmt.Fprintf(&prompt, "[%d] You can return most items within %d days of delivery, unused and in their original packaging. "+
					"The carrier collects the parcel at your door. Refunds reach the original payment method within five working days.\n", n, 10*n)
			}
			content, _ := json.Marshal(prompt.String() + "\nQuestion: How long may I take to return an item?")
			body := `{"model":"sim-small","messages":[{"role":"user","content":` + string(content) + `}]}`
			for b.Loop() {
				w := httptest.NewRecorder()
				sim.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
