package tool

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kefu/internal/desk"
)

const (
	// MinSecret is the least length of a Seal's secret, in bytes.
	MinSecret = 32
	// DefaultConfirmWithin is how long a customer may take to confirm.
	DefaultConfirmWithin = 15 * time.Minute
)

// Codes of the *desk.Error for a confirmation that cannot be used.
const (
	CodeConfirmation = "confirmation_invalid" // not ours, or another customer's
	CodeExpired      = "confirmation_expired"
)

// Seal makes the tokens by which customers confirm writes. A token holds the
// whole action, encrypted, and can be used only by the customer and in the
// conversation that it was made for. It is safe for concurrent use.
type Seal struct {
	aead   cipher.AEAD
	within time.Duration
}

// NewSeal returns the seal of a secret of at least MinSecret bytes. Replicas
// that share the secret take each other's tokens. Zero within means
// DefaultConfirmWithin.
func NewSeal(secret []byte, within time.Duration) (*Seal, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("secret of confirmations: want at least %d bytes", MinSecret)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "kefu: confirmation of a tool's use", 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &Seal{aead: aead, within: cmp.Or(within, DefaultConfirmWithin)}, nil
}

// action is what a token stands for.
type action struct {
	Tool      string         `json:"t"`
	Arguments map[string]any `json:"a"`
	Key       string         `json:"k"` // idempotency key
	Expires   time.Time      `json:"e"`
}

// seal returns the token of a new action.
func (s *Seal) seal(tool string, arguments map[string]any, of Session) (token string, expires time.Time, err error) {
	a := action{Tool: tool, Arguments: arguments, Key: "kefu-" + rand.Text(), Expires: time.Now().Add(s.within).Truncate(time.Second)}
	plain, err := json.Marshal(a)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("encode action: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, of.binding())), a.Expires, nil
}

// open returns the action of a token.
func (s *Seal) open(token string, of Session) (action, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return action{}, notOurs(err)
	}
	plain, err := s.aead.Open(nil, nil, sealed, of.binding())
	if err != nil {
		return action{}, notOurs(err)
	}
	var a action
	if err := decode(plain, &a); err != nil {
		return action{}, notOurs(err)
	}
	if !time.Now().Before(a.Expires) {
		return action{}, &desk.Error{
			Kind: desk.Invalid, Code: CodeExpired, Field: "confirmation",
			Public: "This confirmation has expired. Please ask again. 确认已过期，请重新提问。",
		}
	}
	return a, nil
}

func notOurs(err error) error {
	return &desk.Error{
		Kind: desk.Invalid, Code: CodeConfirmation, Field: "confirmation", Err: errors.New("open token: " + err.Error()),
		Public: "This confirmation cannot be used here. 此确认在这里无效。",
	}
}

// binding says whom and where a token belongs to.
func (s Session) binding() []byte {
	b, _ := json.Marshal([]string{string(s.Scope.Tenant), string(s.Scope.User), string(s.Conversation)}) // texts always encode
	return b
}
