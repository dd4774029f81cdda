package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

// Turns are the conversations, turn by turn.
type Turns struct{ db *DB }

const turnColumns = `answer_id, at, question, standalone, answer, lang, outcome`

// Append adds a turn to a conversation of the scope's user, whether or not that
// exists already, unless it or the user was deleted after the turn began. It is
// durable when Append returns.
func (t *Turns) Append(ctx context.Context, scope desk.Scope, id desk.ConversationID, turn desk.Turn) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	_, err := t.db.write.ExecContext(ctx, `INSERT INTO turns (tenant, user_id, conversation_id, `+turnColumns+`)
		SELECT $1, $2, $3, $4, CAST($5 AS BIGINT), $6, $7, $8, $9, $10 WHERE NOT `+t.db.erasedSince(11, 12, 5)+` ON CONFLICT DO NOTHING`,
		scope.Tenant, scope.User, id, turn.Answer, millis(turn.At), t.db.seal(turn.Question, inTurn("question", scope, id, turn.Answer)),
		t.db.seal(turn.Standalone, inTurn("standalone", scope, id, turn.Answer)), t.db.seal(turn.Text, inTurn("answer", scope, id, turn.Answer)), turn.Lang, turn.Outcome,
		subjectOf(scope, ""), subjectOf(scope, id))
	if err != nil {
		return fmt.Errorf("append turn: %w", t.db.engine.explain(err))
	}
	return nil
}

// Recent returns the last n turns of a conversation, oldest first; none where
// there is no such conversation.
func (t *Turns) Recent(ctx context.Context, scope desk.Scope, id desk.ConversationID, n int) ([]desk.Turn, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := t.db.read.QueryContext(ctx, `SELECT `+turnColumns+` FROM turns
		WHERE tenant = $1 AND user_id = $2 AND conversation_id = $3 ORDER BY at DESC, answer_id DESC LIMIT $4`, scope.Tenant, scope.User, id, n)
	turns, err := collect(rows, err, func(r *sql.Rows) (turn desk.Turn, err error) {
		if turn, err = scanTurn(r); err == nil {
			err = t.db.unsealTurn(&turn, scope, id)
		}
		return turn, err
	})
	if err != nil {
		return nil, fmt.Errorf("read conversation: %w", t.db.engine.explain(err))
	}
	slices.Reverse(turns)
	return turns, nil
}

func scanTurn(r *sql.Rows) (turn desk.Turn, err error) {
	var at int64
	err = r.Scan(&turn.Answer, &at, &turn.Question, &turn.Standalone, &turn.Text, &turn.Lang, &turn.Outcome)
	turn.At = fromMillis(at)
	return turn, err
}

// inTurn is the place of a text in the rows of a turn.
func inTurn(column string, scope desk.Scope, id desk.ConversationID, answer desk.AnswerID) string {
	return seal.Place("turns", column, string(scope.Tenant), string(scope.User), string(id), string(answer))
}

func (db *DB) unsealTurn(turn *desk.Turn, scope desk.Scope, id desk.ConversationID) error {
	return errors.Join(db.unseal(&turn.Question, inTurn("question", scope, id, turn.Answer)),
		db.unseal(&turn.Standalone, inTurn("standalone", scope, id, turn.Answer)), db.unseal(&turn.Text, inTurn("answer", scope, id, turn.Answer)))
}

// List sums up the conversations of the scope's user, the latest first, at most
// limit of them.
func (t *Turns) List(ctx context.Context, scope desk.Scope, limit int) ([]desk.Conversation, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := t.db.read.QueryContext(ctx, `SELECT conversation_id, COUNT(*), MIN(at), MAX(at) FROM turns
		WHERE tenant = $1 AND user_id = $2 GROUP BY conversation_id ORDER BY MAX(at) DESC, conversation_id LIMIT $3`, scope.Tenant, scope.User, limit)
	all, err := collect(rows, err, func(r *sql.Rows) (c desk.Conversation, err error) {
		var first, last int64
		err = r.Scan(&c.ID, &c.Turns, &first, &last)
		c.First, c.Last = fromMillis(first), fromMillis(last)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", t.db.engine.explain(err))
	}
	return all, nil
}

// Delete removes a conversation of the scope's user and the recorded answers
// in it, also those that wait to be recorded. The error is a *desk.Error of kind
// NotFound, code conversation_not_found, where there is none.
func (t *Turns) Delete(ctx context.Context, scope desk.Scope, id desk.ConversationID) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if err := t.db.erase(ctx, subjectOf(scope, id)); err != nil {
		return fmt.Errorf("delete conversation: %w", err)
	}
	err := t.db.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM answers WHERE tenant = $1 AND user_id = $2 AND conversation_id = $3
			AND id IN (SELECT answer_id FROM turns WHERE tenant = $1 AND user_id = $2 AND conversation_id = $3)`, scope.Tenant, scope.User, id)
		if err != nil {
			return err
		}
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM turns WHERE tenant = $1 AND user_id = $2 AND conversation_id = $3`, scope.Tenant, scope.User, id))
		if err == nil && n == 0 {
			return &desk.Error{
				Kind: desk.NotFound, Code: "conversation_not_found", Field: "id", Public: "There is no such conversation.",
			}
		}
		return err
	})
	if err == nil {
		err = t.db.engine.flush(ctx, t.db.write)
	}
	if err != nil {
		return fmt.Errorf("delete conversation: %w", err)
	}
	return nil
}
