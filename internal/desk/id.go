package desk

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// NewAnswerID makes the identifier of a new answer.
func NewAnswerID() AnswerID { return AnswerID(newID("ans_")) }

// NewAttemptID makes the identifier of a new attempt.
func NewAttemptID() AttemptID { return AttemptID(newID("att_")) }

// NewKeyID makes the identifier of a new key.
func NewKeyID() KeyID { return KeyID(newID("key_")) }

// NewSessionID makes the identifier of a new session.
func NewSessionID() SessionID { return SessionID(newID("ses_")) }

// NewAuditID makes the identifier of a new entry of the audit log.
func NewAuditID() string { return newID("aud_") }

// NewBudgetID makes the identifier of a new budget.
func NewBudgetID() BudgetID { return BudgetID(newID("bud_")) }

// NewLeaseID makes the identifier of a lease.
func NewLeaseID() string { return newID("lea_") }

// newID is a prefix, the millisecond and 80 random bits, as 26 digits and
// capitals. Identifiers sort by their time, so that databases append to their
// indexes: random ones dirty a page for each row.
func newID(prefix string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(time.Now().UnixMilli())<<16)
	rand.Read(b[6:]) // never fails
	return prefix + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])
}
