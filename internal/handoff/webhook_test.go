package handoff

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/desk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret of the tests"

type drops struct{ n atomic.Int64 }

func (d *drops) Dropped(string) { d.n.Add(1) }

func newWebhook(t *testing.T, c Config) (*Webhook, *drops) {
	t.Helper()
	if c.Secret == "" {
		c.Secret = secret
	}
	d := new(drops)
	w, err := NewWebhook(c, d, new(notes), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return w, d
}

func TestPacketArrivesSigned(t *testing.T) {
	type received struct {
		header http.Header
		body   []byte
	}
	got := make(chan received, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Header, body}
	}))
	defer server.Close()
	w, d := newWebhook(t, Config{URL: server.URL + "/hook?token=x"})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()

	asked := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	w.HandedOff(
		desk.Question{Scope: desk.Scope{Tenant: "shop"}, Conversation: "c1", Text: "我的手机⟦PHONE_1⟧打不通", Asked: asked},
		desk.Answer{ID: "ans_1", Lang: desk.Chinese, Handoff: &desk.Handoff{Reason: desk.HandoffNoAnswer}},
	)
	r := <-got
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}

	var p Packet
	if err := json.Unmarshal(r.body, &p); err != nil {
		t.Fatal(err)
	}
	want := Packet{Answer: "ans_1", Tenant: "shop", Conversation: "c1", Question: "我的手机⟦PHONE_1⟧打不通", Lang: desk.Chinese, Reason: desk.HandoffNoAnswer, Time: asked}
	if p != want {
		t.Errorf("packet = %+v, want %+v", p, want)
	}
	stamp, sum, _ := strings.Cut(strings.TrimPrefix(r.header.Get("Kefu-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "." + string(r.body)))
	if sum != hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("signature = %s does not sign the body", r.header.Get("Kefu-Signature"))
	}
	if d.n.Load() != 0 {
		t.Errorf("dropped = %d, want 0", d.n.Load())
	}
}

// transport answers tries from a script: a status, or 0 for a network error.
type transport struct {
	script []int
	takes  time.Duration
	tries  atomic.Int64
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	n := int(tr.tries.Add(1))
	if !pause(r.Context(), tr.takes) {
		return nil, r.Context().Err()
	}
	status := tr.script[min(n, len(tr.script))-1]
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Location": {"http://elsewhere.example"}}, Body: http.NoBody, Request: r}, nil
}

func TestTriesAgainOnlyWhereItMayHelp(t *testing.T) {
	tests := []struct {
		name    string
		script  []int
		tries   int64
		dropped int64
	}{
		{"taken at once", []int{204}, 1, 0},
		{"after server errors", []int{500, 503, 200}, 3, 0},
		{"after the network failed", []int{0, 200}, 2, 0},
		{"after too many requests", []int{429, 200}, 2, 0},
		{"three times at most", []int{500}, 3, 1},
		{"not when refused", []int{401}, 1, 1},
		{"not to another address", []int{307}, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, d := newWebhook(t, Config{URL: "https://desk.example/hook"})
				tr := &transport{script: tt.script}
				w.client.Transport = tr
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- w.Run(ctx) }()
				w.Notify(Packet{Answer: "ans_1"})
				time.Sleep(10 * time.Second) // of the bubble: longer than all backoffs
				if got := tr.tries.Load(); got != tt.tries || d.n.Load() != tt.dropped {
					t.Errorf("tries, dropped = %d, %d; want %d, %d", got, d.n.Load(), tt.tries, tt.dropped)
				}
				stop()
				<-ended
			})
		})
	}
}

func TestEachTryHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := newWebhook(t, Config{URL: "https://desk.example/hook", Timeout: 2 * time.Second})
		tr := &transport{script: []int{200}, takes: time.Hour}
		w.client.Transport = tr
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		w.Notify(Packet{})
		time.Sleep(10 * time.Second) // 3 tries of 2 s and at most 3 s between them
		if tr.tries.Load() != tries || d.n.Load() != 1 {
			t.Errorf("tries, dropped = %d, %d; want %d, 1", tr.tries.Load(), d.n.Load(), tries)
		}
		stop()
		<-ended
	})
}

func TestFullQueueDropsInsteadOfBlocking(t *testing.T) {
	w, d := newWebhook(t, Config{URL: "https://desk.example/hook", Queue: 2})
	for range 5 {
		w.Notify(Packet{})
	}
	if d.n.Load() != 3 {
		t.Errorf("dropped = %d, want 3", d.n.Load())
	}
}

func TestShutdownDeliversWhatIsQueuedWithinABound(t *testing.T) {
	tests := []struct {
		name    string
		takes   time.Duration
		dropped int64
		most    time.Duration
	}{
		{"a quick receiver gets all", 10 * time.Millisecond, 0, time.Second},
		{"a slow one what it takes in 5 s", 2 * time.Second, 8, drain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, d := newWebhook(t, Config{URL: "https://desk.example/hook"})
				w.client.Transport = &transport{script: []int{200}, takes: tt.takes}
				for range 10 {
					w.Notify(Packet{})
				}
				ctx, stop := context.WithCancel(t.Context())
				stop()
				start := time.Now()
				if err := w.Run(ctx); err != nil {
					t.Errorf("Run = %v, want nil", err)
				}
				if took := time.Since(start); took > tt.most || d.n.Load() != tt.dropped {
					t.Errorf("took %s and dropped %d, want at most %s and %d", took, d.n.Load(), tt.most, tt.dropped)
				}
				w.Notify(Packet{})
				if d.n.Load() != tt.dropped+1 {
					t.Error("a packet after the end was not counted as dropped")
				}
			})
		})
	}
}

func TestLogNeverHoldsTheAddressOrTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		w, err := NewWebhook(Config{URL: "https://desk.example/hook?token=hunter2", Secret: secret}, new(drops), new(notes), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		w.client.Transport = &transport{script: []int{0}}
		w.deliver(t.Context(), Packet{Answer: "ans_1", Question: "where is my parcel"})
		if s := log.String(); !strings.Contains(s, "ans_1") || strings.Contains(s, "hunter2") || strings.Contains(s, "parcel") {
			t.Errorf("log = %s", s)
		}
	})
}

func TestUnusableConfigurationIsRefused(t *testing.T) {
	for name, c := range map[string]Config{
		"no address":     {Secret: secret},
		"another scheme": {URL: "ftp://desk.example", Secret: secret},
		"short secret":   {URL: "https://desk.example", Secret: "short"},
		"negative bound": {URL: "https://desk.example", Secret: secret, Queue: -1},
	} {
		if _, err := NewWebhook(c, new(drops), new(notes), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestContactIsOfferedInTheCustomersLanguage(t *testing.T) {
	all := Channels{URL: "https://shop.example/contact", Email: "help@shop.example", Phone: "+86 10 1234 5678"}
	tests := []struct {
		name     string
		channels Channels
		lang     desk.Lang
		want     string
	}{
		{"all channels", all, desk.English, "If you would like to talk to a person, visit https://shop.example/contact, write to help@shop.example or call +86 10 1234 5678."},
		{"all channels in Chinese", all, desk.Chinese, "如需人工帮助，您可以访问 https://shop.example/contact，或发邮件至 help@shop.example，或拨打 +86 10 1234 5678。"},
		{"one channel", Channels{Email: "help@shop.example"}, desk.English, "If you would like to talk to a person, write to help@shop.example."},
		{"none", Channels{}, desk.English, "If you would like to talk to a person, please use the contact details on our website."},
		{"none in Chinese", Channels{}, desk.Chinese, "如需人工帮助，请通过我们网站上公布的联系方式联系客服。"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Contact(tt.channels, tt.lang)
			want := desk.Contact{URL: tt.channels.URL, Email: tt.channels.Email, Phone: tt.channels.Phone, Message: tt.want}
			if got != want {
				t.Errorf("contact = %+v, want %+v", got, want)
			}
		})
	}
}
