package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

// resealRows is how many rows one transaction reads and changes.
const resealRows = 200

// Reseal encrypts with the first key what was stored before there was one, or
// with another, and returns how many rows it changed. It reads all that
// customers said once, may be interrupted and begun again, and beside it
// servers may run. Without keys it does nothing. Replies kept for an
// Idempotency-Key are left: they end within a day.
func (db *DB) Reseal(ctx context.Context) (changed int, err error) {
	if !db.seals.On() {
		return 0, nil
	}
	for _, t := range []struct {
		reseal func(context.Context, *sql.Tx, *resealing) error
		before []any // all keys of the table
	}{
		{db.resealAnswers, []any{""}},
		{db.resealTurns, []any{"", "", "", -1, ""}},
		{db.resealComments, []any{"", ""}},
	} {
		r := &resealing{after: t.before}
		for !r.done {
			if err := db.resealSome(ctx, t.reseal, r); err != nil {
				return changed + r.changed, fmt.Errorf("encrypt what is stored: %w", err)
			}
		}
		changed += r.changed
	}
	return changed, db.engine.scrub(ctx, db.write)
}

// resealing is how far one table has come: after is the key of the last row.
type resealing struct {
	after   []any
	changed int
	done    bool
}

func (db *DB) resealSome(ctx context.Context, table func(context.Context, *sql.Tx, *resealing) error, r *resealing) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return db.transact(ctx, func(tx *sql.Tx) error { return table(ctx, tx, r) })
}

// past notes the rows that were read, by the key of the last.
func past[T any](r *resealing, rows []T, key func(T) []any) {
	if r.done = len(rows) < resealRows; !r.done {
		r.after = key(rows[len(rows)-1])
	}
}

// current tells that the first key sealed a text, or that there is none.
func (db *DB) current(text string) bool {
	return text == "" || strings.HasPrefix(text, seal.Begins(db.seals.IDs()[0]))
}

func (db *DB) resealAnswers(ctx context.Context, tx *sql.Tx, r *resealing) error {
	type stored struct {
		desk.Record
		current bool
	}
	rows, err := tx.QueryContext(ctx, `SELECT id, question, answer, trace, detail FROM answers WHERE id > $1 ORDER BY id LIMIT $2`, append(r.after, resealRows)...)
	all, err := collect(rows, err, func(rows *sql.Rows) (s stored, err error) {
		var question, answer, trace, details string
		if err := rows.Scan(&s.Answer.ID, &question, &answer, &trace, &details); err != nil {
			return s, err
		}
		s.current = db.current(question) && db.current(answer) && db.current(trace)
		s.Question.Text, s.Answer.Text = desk.Masked(question), desk.Masked(answer)
		if s.current {
			return s, nil
		}
		return s, db.answers.decodeTexts(&s.Record, []byte(details), trace)
	})
	if err != nil {
		return err
	}
	for i := range all {
		q, a := all[i].Question, all[i].Answer
		if all[i].current {
			continue
		}
		detail, err := db.answers.encodeDetails(a)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE answers SET question = $2, answer = $3, detail = $4, trace = $5 WHERE id = $1`, a.ID,
			db.seal(q.Text, inAnswer("question", a.ID)), db.seal(a.Text, inAnswer("answer", a.ID)), detail[0], detail[1])
		if err != nil {
			return err
		}
		r.changed++
	}
	past(r, all, func(s stored) []any { return []any{s.Answer.ID} })
	return nil
}

func (db *DB) resealTurns(ctx context.Context, tx *sql.Tx, r *resealing) error {
	type stored struct {
		scope   desk.Scope
		id      desk.ConversationID
		turn    desk.Turn
		current bool
	}
	rows, err := tx.QueryContext(ctx, `SELECT tenant, user_id, conversation_id, answer_id, at, question, standalone, answer FROM turns
		WHERE (tenant, user_id, conversation_id, at, answer_id) > ($1, $2, $3, $4, $5)
		ORDER BY tenant, user_id, conversation_id, at, answer_id LIMIT $6`, append(r.after, resealRows)...)
	all, err := collect(rows, err, func(rows *sql.Rows) (s stored, err error) {
		var at int64
		err = rows.Scan(&s.scope.Tenant, &s.scope.User, &s.id, &s.turn.Answer, &at, &s.turn.Question, &s.turn.Standalone, &s.turn.Text)
		s.turn.At = fromMillis(at)
		s.current = db.current(string(s.turn.Question)) && db.current(string(s.turn.Standalone)) && db.current(string(s.turn.Text))
		return s, err
	})
	if err != nil {
		return err
	}
	for i := range all {
		s := &all[i]
		if s.current {
			continue
		}
		if err := db.unsealTurn(&s.turn, s.scope, s.id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE turns SET question = $6, standalone = $7, answer = $8
			WHERE tenant = $1 AND user_id = $2 AND conversation_id = $3 AND at = $4 AND answer_id = $5`,
			s.scope.Tenant, s.scope.User, s.id, millis(s.turn.At), s.turn.Answer,
			db.seal(s.turn.Question, inTurn("question", s.scope, s.id, s.turn.Answer)),
			db.seal(s.turn.Standalone, inTurn("standalone", s.scope, s.id, s.turn.Answer)), db.seal(s.turn.Text, inTurn("answer", s.scope, s.id, s.turn.Answer)))
		if err != nil {
			return err
		}
		r.changed++
	}
	past(r, all, func(s stored) []any {
		return []any{s.scope.Tenant, s.scope.User, s.id, millis(s.turn.At), s.turn.Answer}
	})
	return nil
}

func (db *DB) resealComments(ctx context.Context, tx *sql.Tx, r *resealing) error {
	type stored struct {
		answer  desk.AnswerID
		scope   desk.Scope
		comment desk.Masked
	}
	rows, err := tx.QueryContext(ctx, `SELECT answer_id, user_id, comment FROM feedback WHERE (answer_id, user_id) > ($1, $2)
		ORDER BY answer_id, user_id LIMIT $3`, append(r.after, resealRows)...)
	all, err := collect(rows, err, func(rows *sql.Rows) (s stored, err error) {
		err = rows.Scan(&s.answer, &s.scope.User, &s.comment)
		return s, err
	})
	if err != nil {
		return err
	}
	for _, s := range all {
		if db.current(string(s.comment)) {
			continue
		}
		before, place := s.comment, inFeedback(s.answer, s.scope)
		if err := db.unseal(&s.comment, place); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE feedback SET comment = $3 WHERE answer_id = $1 AND user_id = $2 AND comment = $4`,
			s.answer, s.scope.User, db.seal(s.comment, place), before)
		if err != nil {
			return err
		}
		r.changed++
	}
	past(r, all, func(s stored) []any { return []any{s.answer, s.scope.User} })
	return nil
}
