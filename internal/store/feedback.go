package store

import (
	"context"
	"database/sql"
	"fmt"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

// Rate keeps what the scope's user says of an answer of the scope's tenant, in
// place of what they said before. It is removed with the answer. The error is a
// *desk.Error of kind NotFound, code answer_not_found, where there is none; an
// answer is found up to 0.2 s after it was recorded.
func (a *Answers) Rate(ctx context.Context, scope desk.Scope, f desk.Feedback) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	n, err := affected(a.db.write.ExecContext(ctx, `INSERT INTO feedback (answer_id, tenant, user_id, at, rating, reason, comment)
		SELECT id, tenant, $3, CAST($4 AS BIGINT), $5, $6, $7 FROM answers WHERE id = $1 AND tenant = $2
		ON CONFLICT (answer_id, user_id) DO UPDATE SET at = excluded.at, rating = excluded.rating, reason = excluded.reason, comment = excluded.comment`,
		f.Answer, scope.Tenant, scope.User, millis(f.At), f.Rating, f.Reason, a.db.seal(f.Comment, inFeedback(f.Answer, scope))))
	if err == nil && n == 0 {
		err = noAnswer()
	}
	if err != nil {
		return fmt.Errorf("rate answer: %w", a.db.engine.explain(err))
	}
	return nil
}

// Feedback lists what users said of an answer of a tenant, the latest first.
func (a *Answers) Feedback(ctx context.Context, tenant desk.TenantID, id desk.AnswerID) ([]desk.Feedback, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := a.db.read.QueryContext(ctx, `SELECT answer_id, at, rating, reason, comment, user_id FROM feedback
		WHERE answer_id = $1 AND tenant = $2 ORDER BY at DESC, user_id`, id, tenant)
	all, err := collect(rows, err, func(r *sql.Rows) (desk.Feedback, error) {
		scope := desk.Scope{Tenant: tenant}
		f, err := scanFeedback(r, &scope.User)
		if err != nil {
			return f, err
		}
		return f, a.db.unseal(&f.Comment, inFeedback(id, scope))
	})
	if err != nil {
		return nil, fmt.Errorf("list feedback: %w", a.db.engine.explain(err))
	}
	return all, nil
}

// inFeedback is the place of a comment.
func inFeedback(id desk.AnswerID, scope desk.Scope) string {
	return seal.Place("feedback", "comment", string(id), string(scope.User))
}

func scanFeedback(r *sql.Rows, more ...any) (f desk.Feedback, err error) {
	var at int64
	err = r.Scan(append([]any{&f.Answer, &at, &f.Rating, &f.Reason, &f.Comment}, more...)...)
	f.At = fromMillis(at)
	return f, err
}
