// Package seal encrypts what customers said before it is stored, where the
// operator gives keys for it.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kefu/internal/desk"
)

// KeyBytes is the length of a key: AES-256.
const KeyBytes = 32

// mark begins sealed texts: mark, id of the key, ":", base64 of nonce and
// ciphertext. Plain texts never begin with it.
const mark = "\x01"

// Ring seals with its first key and opens with all of them: a new key is first
// appended everywhere, then moved to the front, and the old one is taken away
// once nothing is sealed with it. The zero Ring leaves texts as they are. It is
// safe for concurrent use.
type Ring struct{ keys []key }

type key struct {
	id   string
	aead cipher.AEAD
}

// Parse reads keys, each 32 bytes in base64 or hexadecimal, with white space or
// commas between two. No error repeats a key.
func Parse(text string) (*Ring, error) {
	r := &Ring{}
	for i, word := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \t\r\n,", c) }) {
		raw, ok := decode(word)
		if !ok {
			return nil, fmt.Errorf("key %d is not %d bytes in base64 or hexadecimal, as 'openssl rand -base64 %d' prints them", i+1, KeyBytes, KeyBytes)
		}
		k, err := newKey(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if slices.Contains(r.IDs(), k.id) {
			return nil, fmt.Errorf("key %d is there twice", i+1)
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

func decode(word string) ([]byte, bool) {
	if raw, err := hex.DecodeString(word); err == nil && len(raw) == KeyBytes {
		return raw, true
	}
	word = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(word, "="))
	raw, err := base64.RawStdEncoding.DecodeString(word)
	return raw, err == nil && len(raw) == KeyBytes
}

// newKey names a key by a hash of it, so that it needs no name of its own.
func newKey(raw []byte) (key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	sum := sha256.Sum256(append([]byte("kefu key id "), raw...))
	return key{id: hex.EncodeToString(sum[:4]), aead: aead}, nil
}

// On tells whether texts are sealed.
func (r *Ring) On() bool { return len(r.keys) > 0 }

// IDs names the keys, that which seals first. An id gives nothing away.
func (r *Ring) IDs() []string {
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

// Seal encrypts a text for one place: elsewhere it does not open. The empty
// text stays empty. One key may seal 2³² texts and bytes together, by the bound
// of NIST SP 800-38D for random nonces.
func (r *Ring) Seal(text, place string) string {
	if text == "" {
		return ""
	}
	if !r.On() {
		return strings.TrimLeft(text, mark)
	}
	k := r.keys[0]
	sealed := k.aead.Seal(nil, nil, []byte(text), []byte(place))
	return Begins(k.id) + base64.RawStdEncoding.EncodeToString(sealed)
}

// SealBytes is Seal for what may be binary. Without keys raw is returned.
func (r *Ring) SealBytes(raw []byte, place string) []byte {
	if !r.On() {
		return raw
	}
	k := r.keys[0]
	begin := Begins(k.id)
	sealed := append(make([]byte, 0, len(begin)+len(raw)+k.aead.Overhead()), begin...)
	return k.aead.Seal(sealed, nil, raw, []byte(place))
}

// Begins is how every text begins that the key with that id sealed.
func Begins(id string) string { return mark + id + ":" }

// errBroken says that a text was changed, or moved to another place.
var errBroken = errors.New("a sealed text does not open: it was changed or moved")

// Open returns the text that was sealed for that place; one that was stored
// without sealing as it is. The error is a *desk.Error with code
// encryption_key_missing when the key is not on the ring.
func (r *Ring) Open(text, place string) (string, error) {
	body, sealed := strings.CutPrefix(text, mark)
	if !sealed {
		return text, nil
	}
	id, body, _ := strings.Cut(body, ":")
	raw, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil {
		return "", errBroken
	}
	plain, err := r.open(id, raw, place)
	return string(plain), err
}

// OpenBytes returns what SealBytes sealed for that place. With keys, nothing
// opens that was not sealed. The error is that of Open.
func (r *Ring) OpenBytes(sealed []byte, place string) ([]byte, error) {
	body, marked := bytes.CutPrefix(sealed, []byte(mark))
	switch {
	case marked:
		id, raw, _ := bytes.Cut(body, []byte(":"))
		return r.open(string(id), raw, place)
	case r.On():
		return nil, errBroken
	}
	return sealed, nil
}

func (r *Ring) open(id string, raw []byte, place string) ([]byte, error) {
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.id == id })
	if i < 0 {
		return nil, Missing(id)
	}
	plain, err := r.keys[i].aead.Open(nil, nil, raw, []byte(place))
	if err != nil {
		return nil, errBroken
	}
	return plain, nil
}

// Missing is the error of data that was sealed with a key that is not there.
func Missing(id string) error {
	return &desk.Error{
		Kind: desk.Unavailable, Code: "encryption_key_missing", Field: "database.encryption_keys",
		Local: fmt.Sprintf("What customers said was stored encrypted with the key %s, which database.encryption_keys does not hold. "+
			"Add that key, behind the one that is to encrypt from now on.", id),
	}
}

// Place names where a text is stored by parts that do not run into each other.
func Place(parts ...string) string { return strings.Join(parts, "\x00") }
