package access

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"kefu/internal/desk"
)

// Identities tell which customer of a website asks: anybody can read the
// website's key, so that only what its server has signed counts. Each key has
// a secret of its own, derived from the installation's, so that a signature
// holds for the users of one tenant, ends with its key, and the database holds
// nothing to sign with. It is safe for concurrent use.
type Identities struct{ secret []byte }

// NewIdentities returns those of an installation's secret, the same for all
// replicas. Nobody must be able to guess it: config wants 32 characters.
func NewIdentities(secret string) *Identities { return &Identities{[]byte(secret)} }

// Secret is what the server of the website that shows the key signs with: 64
// hexadecimal digits, which it uses as they stand.
func (i *Identities) Secret(key desk.Key) string {
	derived, err := hkdf.Key(sha256.New, i.secret, nil, "kefu: users of the website of "+string(key.Tenant)+" "+string(key.ID), sha256.Size)
	if err != nil {
		panic("access: " + err.Error()) // only for lengths that are not these
	}
	return hex.EncodeToString(derived)
}

// SignUser is what a website's server makes with its secret: the HMAC-SHA256 of
// "expires.user" in hexadecimal, where expires counts the seconds since 1970.
func SignUser(secret string, user desk.UserID, expires time.Time) string {
	return hex.EncodeToString(signed(secret, user, expires.Unix()))
}

// signed puts the time first: it has no full stop, so that no two pairs of user
// and time are the same text.
func signed(secret string, user desk.UserID, expires int64) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strconv.FormatInt(expires, 10) + "." + string(user)))
	return mac.Sum(nil)
}

// Check finds out, in constant time, whether the website's server has signed
// that the user asks. Errors are *desk.Error of kind Forbidden: user_hash_missing,
// user_hash_invalid, and user_hash_expired for one that is right and too old.
func (i *Identities) Check(key desk.Key, user desk.UserID, hash string, expires time.Time) error {
	given, err := hex.DecodeString(hash)
	switch {
	case hash == "":
		return notSigned("user_hash_missing", "user_hash", `With a key of the role widget "user_id" needs "user_hash" and "expires", which your server makes.`)
	case err != nil || !hmac.Equal(given, signed(i.Secret(key), user, expires.Unix())):
		return notSigned("user_hash_invalid", "user_hash", `"user_hash" does not sign this "user_id" and "expires" with the secret of this key.`)
	case !time.Now().Before(expires):
		return notSigned("user_hash_expired", "expires", `"user_hash" has expired; your server makes another.`)
	}
	return nil
}

func notSigned(code, field, detail string) error {
	return &desk.Error{Kind: desk.Forbidden, Code: code, Field: field, Public: detail}
}
