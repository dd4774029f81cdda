package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// Users is what is kept of customers, by the id that they were named with. The
// ledger is not: its rows hold lengths and costs, and no text.
type Users struct{ db *DB }

// Export returns everything kept of the scope's user, oldest first. The error
// is a *desk.Error of kind NotFound, code user_not_found, where that is
// nothing.
func (u *Users) Export(ctx context.Context, scope desk.Scope) (data desk.UserData, err error) {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	err = u.db.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT conversation_id, `+turnColumns+` FROM turns
			WHERE tenant = $1 AND user_id = $2 ORDER BY at, answer_id`, scope.Tenant, scope.User)
		if data.Turns, err = collect(rows, err, scanUserTurn); err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, `SELECT id, asked_at, conversation_id, question, answer, outcome FROM answers
			WHERE tenant = $1 AND user_id = $2 ORDER BY asked_at, id`, scope.Tenant, scope.User)
		if data.Answers, err = collect(rows, err, scanUserAnswer); err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, `SELECT answer_id, at, rating, reason, comment FROM feedback
			WHERE tenant = $1 AND user_id = $2 ORDER BY at, answer_id`, scope.Tenant, scope.User)
		if data.Feedback, err = collect(rows, err, func(r *sql.Rows) (desk.Feedback, error) { return scanFeedback(r) }); err != nil {
			return err
		}
		rows, err = tx.QueryContext(ctx, `SELECT h.answer_id, h.asked_at, h.reason, h.state FROM handoffs h JOIN answers a ON a.id = h.answer_id
			WHERE a.tenant = $1 AND a.user_id = $2 ORDER BY h.asked_at, h.answer_id`, scope.Tenant, scope.User)
		if data.Handoffs, err = collect(rows, err, scanUserHandoff); err != nil {
			return err
		}
		return u.unseal(scope, &data)
	})
	if err == nil && len(data.Turns)+len(data.Answers)+len(data.Feedback) == 0 {
		err = noUser()
	}
	if err != nil {
		return desk.UserData{}, fmt.Errorf("export user: %w", err)
	}
	return data, nil
}

// unseal opens all texts of a user's data.
func (u *Users) unseal(scope desk.Scope, data *desk.UserData) error {
	var errs []error
	for i := range data.Turns {
		t := &data.Turns[i]
		errs = append(errs, u.db.unsealTurn(&t.Turn, scope, t.Conversation))
	}
	for i := range data.Answers {
		a := &data.Answers[i]
		errs = append(errs, u.db.unseal(&a.Question, inAnswer("question", a.ID)), u.db.unseal(&a.Text, inAnswer("answer", a.ID)))
	}
	for i := range data.Feedback {
		f := &data.Feedback[i]
		errs = append(errs, u.db.unseal(&f.Comment, inFeedback(f.Answer, scope)))
	}
	return errors.Join(errs...)
}

// exportTimeout bounds looking for a user, whose answers no index leads to:
// that would slow every answer for what is asked for a few times a year.
const exportTimeout = time.Minute

func scanUserTurn(r *sql.Rows) (t desk.UserTurn, err error) {
	var at int64
	err = r.Scan(&t.Conversation, &t.Answer, &at, &t.Question, &t.Standalone, &t.Text, &t.Lang, &t.Outcome)
	t.At = fromMillis(at)
	return t, err
}

func scanUserAnswer(r *sql.Rows) (a desk.UserAnswer, err error) {
	var at int64
	err = r.Scan(&a.ID, &at, &a.Conversation, &a.Question, &a.Text, &a.Outcome)
	a.At = fromMillis(at)
	return a, err
}

func scanUserHandoff(r *sql.Rows) (h desk.UserHandoff, err error) {
	var at int64
	err = r.Scan(&h.Answer, &at, &h.Reason, &h.State)
	h.At = fromMillis(at)
	return h, err
}

// Delete removes everything kept of the scope's user but what was spent of the
// user's own budget, which Forget removes once its day or month is over: else
// it would reset the cap. The error is a *desk.Error of kind NotFound, code
// user_not_found, where there is nothing. What the user asked before and any
// replica still answers, or has yet to record, is not kept either.
func (u *Users) Delete(ctx context.Context, scope desk.Scope) (gone desk.UserErasure, err error) {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	if err := u.db.erase(ctx, subjectOf(scope, "")); err != nil {
		return gone, fmt.Errorf("delete user: %w", err)
	}
	var replies int64
	err = u.db.transact(ctx, func(tx *sql.Tx) error {
		for _, part := range []struct {
			statement string
			count     *int64
		}{
			{`DELETE FROM feedback WHERE tenant = $1 AND user_id = $2`, &gone.Feedback}, // these two before the answers take them along
			{`DELETE FROM handoffs WHERE answer_id IN (SELECT id FROM answers WHERE tenant = $1 AND user_id = $2)`, &gone.Handoffs},
			{`DELETE FROM turns WHERE tenant = $1 AND user_id = $2`, &gone.Turns},
			{`DELETE FROM answers WHERE tenant = $1 AND user_id = $2`, &gone.Answers},
			{`DELETE FROM idempotency WHERE tenant = $1 AND user_id = $2`, &replies},
		} {
			var err error
			if *part.count, err = affected(tx.ExecContext(ctx, part.statement, scope.Tenant, scope.User)); err != nil {
				return err
			}
		}
		if gone == (desk.UserErasure{}) && replies == 0 {
			return noUser()
		}
		return nil
	})
	if err == nil {
		err = u.db.engine.flush(ctx, u.db.write)
	}
	if err != nil {
		return desk.UserErasure{}, fmt.Errorf("delete user: %w", err)
	}
	return gone, nil
}

func noUser() error {
	return &desk.Error{Kind: desk.NotFound, Code: "user_not_found", Field: "id", Public: "Nothing is kept of such a user."}
}
