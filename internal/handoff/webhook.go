package handoff

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"kefu/internal/desk"
)

// Defaults and bounds of a Webhook.
const (
	DefaultTimeout = 5 * time.Second
	DefaultQueue   = 256
	// MinSecret is the least length of the secret, in bytes.
	MinSecret = 16

	tries = 3
	// backoff is the longest wait before the second try; it doubles.
	backoff = time.Second
	// drain bounds how long a stopping Webhook goes on delivering.
	drain = 5 * time.Second
)

// Packet is what the people behind the desk are told of one handoff: the body
// of the webhook, as JSON. It holds masked text only.
type Packet struct {
	Answer       desk.AnswerID       `json:"answer_id"` // the same in repeated deliveries
	Tenant       desk.TenantID       `json:"tenant"`
	Conversation desk.ConversationID `json:"conversation_id,omitempty"`
	Question     desk.Masked         `json:"question"`
	Lang         desk.Lang           `json:"lang"`
	Reason       desk.HandoffReason  `json:"reason"`
	Time         time.Time           `json:"time"`
}

// Config says where packets go.
type Config struct {
	URL    string // http or https; may hold a token, so it is never logged
	Secret string // at least MinSecret bytes
	// Timeout bounds each try; DefaultTimeout when zero.
	Timeout time.Duration
	// Queue is how many packets wait at most; DefaultQueue when zero.
	Queue int
}

// Validate reports the first value that cannot be used.
func (c Config) Validate() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("url: want an http or https address")
	case len(c.Secret) < MinSecret:
		return fmt.Errorf("secret: want at least %d bytes", MinSecret)
	case c.Timeout < 0 || c.Queue < 0:
		return errors.New("timeout and queue: want no negative value")
	}
	return nil
}

// Observer counts what was not delivered.
type Observer interface {
	Dropped(sink string)
}

// Webhook posts packets to one address, one after the other, in the order in
// which they came. A delivery is tried three times where the receiver or the
// network fails; what cannot be delivered, or finds the queue full, is dropped
// and counted under "handoff". What became of each is noted in the ledger. It
// is safe for concurrent use.
//
// Each request carries "Kefu-Signature: t=<unix seconds>,v1=<hex>", where v1
// is the HMAC-SHA256 of "<t>.<body>" under the secret. A receiver recomputes
// it, compares in constant time and refuses a t that is minutes old.
type Webhook struct {
	config   Config
	client   *http.Client
	observer Observer
	book     *book
	logger   *slog.Logger

	mu     sync.Mutex
	closed bool
	queue  chan Packet
}

// NewWebhook returns a webhook that delivers once Run is called. The error is
// c.Validate's.
func NewWebhook(c Config, observer Observer, ledger Ledger, logger *slog.Logger) (*Webhook, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("handoff webhook: %w", err)
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.Queue = cmp.Or(c.Queue, DefaultQueue)
	return &Webhook{
		config: c, observer: observer, book: newBook(ledger, logger), logger: logger, queue: make(chan Packet, c.Queue),
		client: &http.Client{
			Timeout:   c.Timeout,
			Transport: http.DefaultTransport.(*http.Transport).Clone(),
			// Another address was not configured and could be anybody's.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// HandedOff tells of the answer a to q that sent the customer to a person. It
// never blocks. Answers without a handoff are passed over.
func (w *Webhook) HandedOff(q desk.Question, a desk.Answer) {
	if a.Handoff == nil {
		return
	}
	w.Notify(Packet{
		Answer: a.ID, Tenant: q.Scope.Tenant, Conversation: q.Conversation, Question: q.Text,
		Lang: a.Lang, Reason: a.Handoff.Reason, Time: q.Asked,
	})
}

// Notify queues p. It never blocks.
func (w *Webhook) Notify(p Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		select {
		case w.queue <- p:
			return
		default:
		}
	}
	w.lose(p)
}

func (w *Webhook) lose(p Packet) {
	w.observer.Dropped("handoff")
	w.book.add(p.Answer, desk.Undelivered)
}

// Run delivers until ctx ends, then for at most 5 s more what is queued, and
// for as long notes what became of it. It returns nil and is called once.
func (w *Webhook) Run(ctx context.Context) error {
	defer w.client.CloseIdleConnections()
	noting, ended := context.WithCancel(context.WithoutCancel(ctx))
	var noter sync.WaitGroup
	noter.Go(func() { w.book.run(noting) })
	defer noter.Wait()
	defer ended()
	delivering, stop := outlive(ctx, drain)
	defer stop()
	for ctx.Err() == nil {
		select {
		case p := <-w.queue:
			w.deliver(delivering, p)
		case <-ctx.Done():
		}
	}
	w.mu.Lock()
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	for p := range w.queue {
		w.deliver(delivering, p)
	}
	return nil
}

// outlive returns a context that ends by grace later than ctx.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		pause(longer, grace)
		cancel()
	})
	return longer, cancel
}

// deliver posts p; what fails for good is dropped.
func (w *Webhook) deliver(ctx context.Context, p Packet) {
	body, err := json.Marshal(p)
	if err == nil {
		err = w.insist(ctx, body)
	}
	if err != nil {
		w.lose(p)
		w.logger.Warn("handoff webhook: packet dropped", "answer_id", p.Answer, "error", err)
		return
	}
	w.book.add(p.Answer, desk.Delivered)
}

// insist posts body until it is taken, refused for good or tried often enough.
func (w *Webhook) insist(ctx context.Context, body []byte) error {
	for try := 1; ; try++ {
		again, err := w.post(ctx, body)
		if err == nil || !again || try == tries || !pause(ctx, rand.N(backoff<<(try-1))) {
			return err
		}
	}
}

// post makes one try and tells whether another one may succeed.
func (w *Webhook) post(ctx context.Context, body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.config.URL, bytes.NewReader(body))
	if err != nil {
		return false, withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "kefu")
	req.Header.Set("Kefu-Signature", signature(w.config.Secret, time.Now(), body))
	resp, err := w.client.Do(req)
	if err != nil {
		return true, withoutURL(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return false, nil
	}
	again = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout
	return again, fmt.Errorf("receiver replied %d", resp.StatusCode)
}

// withoutURL drops the address, which may hold a token, from an error.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func signature(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// pause waits for d and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
