package orders

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// ask makes one request and returns its status and body.
func ask(t *testing.T, s *Service, method, path, key string) (int, string) {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestEveryOrderIsToldInBothLanguages(t *testing.T) {
	s := New("")
	seen := map[Status]bool{}
	for i := range count {
		status, body := ask(t, s, "GET", fmt.Sprintf("/orders/LN204%d", first+i), "")
		var o Order
		if err := json.Unmarshal([]byte(body), &o); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s: %v", status, body, err)
		}
		if !strings.Contains(o.SummaryEN, o.ID) || !strings.Contains(o.SummaryZH, o.ID) || o.StatusEN == "" || o.StatusZH == "" {
			t.Errorf("order is told as %s", body)
		}
		if strings.Contains(body, "%!") {
			t.Errorf("a sentence is badly filled in: %s", body)
		}
		seen[o.Status] = true
	}
	if len(seen) != len(statuses) {
		t.Errorf("%d statuses occur, want all %d", len(seen), len(statuses))
	}
	if !reflect.DeepEqual(all(), all()) {
		t.Error("two starts have other orders")
	}
}

func TestFiveDigitsStandForTheWholeNumber(t *testing.T) {
	_, whole := ask(t, New(""), "GET", "/orders/LN20410023", "")
	_, short := ask(t, New(""), "GET", "/orders/10023", "")
	if whole != short {
		t.Errorf("10023 is %s, want %s", short, whole)
	}
}

func TestOneLanguageMayBeAskedFor(t *testing.T) {
	_, english := ask(t, New(""), "GET", "/orders/10001?lang=en", "")
	_, chinese := ask(t, New(""), "GET", "/orders/10001?lang=zh", "")
	if strings.Contains(english, "已收到") || !strings.Contains(english, "was received") {
		t.Errorf("in English: %s", english)
	}
	if strings.Contains(chinese, "was received") || !strings.Contains(chinese, "已收到") {
		t.Errorf("in Chinese: %s", chinese)
	}
}

func TestCancelling(t *testing.T) {
	tests := []struct {
		why, order, key string
		status          int
		holds           string
	}{
		{"a paid order", "10002", "a", 200, `"status":"cancelled"`},
		{"the same again", "10002", "a", 200, `"status":"cancelled"`},
		{"by another key", "10002", "b", 409, "已取消"},
		{"an order that is shipped", "10004", "c", 409, "cannot be cancelled"},
		{"the same refusal again", "10004", "c", 409, "cannot be cancelled"},
		{"the key of another order", "10001", "a", 422, "key_reused"},
		{"without a key", "10001", "", 400, "no_idempotency_key"},
		{"an order that does not exist", "99999", "d", 404, "没有这个编号的订单"},
	}
	s := New("")
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			status, body := ask(t, s, "POST", "/orders/"+tt.order+"/cancel", tt.key)
			if status != tt.status || !strings.Contains(body, tt.holds) {
				t.Errorf("%d %s, want %d with %s", status, body, tt.status, tt.holds)
			}
		})
	}
	if s.Cancels() != 1 || s.Requests() != len(tests) {
		t.Errorf("%d cancelled in %d requests, want 1 in %d", s.Cancels(), s.Requests(), len(tests))
	}
}

func TestOneKeyHasOneEffectAmongMany(t *testing.T) {
	s := New("")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if status, body := ask(t, s, "POST", "/orders/10001/cancel", "same"); status != 200 {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	group.Wait()
	if s.Cancels() != 1 {
		t.Errorf("cancelled %d times", s.Cancels())
	}
}

func TestKeysAreForgottenInTheEnd(t *testing.T) {
	s := New("")
	for i := range maxKeys + 10 {
		s.keep(fmt.Sprint(i), reply{})
	}
	if len(s.replies) != maxKeys || len(s.keys) != maxKeys {
		t.Errorf("%d replies and %d keys are kept, want %d", len(s.replies), len(s.keys), maxKeys)
	}
}

func TestTheTokenIsAskedFor(t *testing.T) {
	if status, body := ask(t, New("secret"), "GET", "/orders/10001", ""); status != http.StatusUnauthorized || !strings.Contains(body, "令牌") {
		t.Errorf("%d %s", status, body)
	}
}
