package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

// subjectOf stands for a user, or for one conversation of theirs, without naming
// them: it outlives what is deleted.
func subjectOf(scope desk.Scope, conversation desk.ConversationID) string {
	sum := sha256.Sum256([]byte(seal.Place("erasure", string(scope.Tenant), string(scope.User), string(conversation))))
	return hex.EncodeToString(sum[:])
}

// erase notes that what was asked by a subject until now is to be kept no more.
// When it returns, whoever wrote without knowing has finished, and whoever
// writes later knows: what is there can be deleted, and nothing comes after it.
func (db *DB) erase(ctx context.Context, subject string) error {
	return db.transact(ctx, func(tx *sql.Tx) error {
		if err := db.engine.settle(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO erasures (subject, at) VALUES ($1, $2)
			ON CONFLICT (subject) DO UPDATE SET at = excluded.at`, subject, millis(time.Now()))
		return err
	})
}

// erasedSince is the condition that one of two subjects was erased at a moment or
// later, by the numbers of these arguments.
func (db *DB) erasedSince(subject, other, asked int) string {
	return fmt.Sprintf(`EXISTS (SELECT 1 FROM erasures WHERE subject IN ($%d, $%d) AND at >= $%d%s)`, subject, other, asked, db.engine.heed())
}

// leaveErased removes those of records that were asked by who was deleted
// since, in the transaction that wrote them: looking before would miss a
// deletion that comes between.
func (s *Answers) leaveErased(ctx context.Context, tx *sql.Tx, records []desk.Record) error {
	var some bool // of the last hour: mostly not
	if err := tx.StmtContext(ctx, s.erasures).QueryRowContext(ctx).Scan(&some); err != nil || !some {
		return err
	}
	for i := range records {
		q, a := &records[i].Question, &records[i].Answer
		_, err := tx.ExecContext(ctx, `DELETE FROM answers WHERE id = $1 AND `+s.db.erasedSince(2, 3, 4),
			a.ID, subjectOf(q.Scope, ""), subjectOf(q.Scope, a.Conversation), millis(q.Asked))
		if err != nil {
			return err
		}
	}
	return nil
}
