package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// maxComplaints bounds what is read at once: the latest count.
const maxComplaints = 5000

// Complaints lists the questions of a tenant since a moment whose answers did
// not help, the latest first, at most 5,000: those that found no answer, or
// none with support, and those that somebody rated down. Attacks that the guard
// refused, and those who only asked for a person, are not among them. An
// answer that the cache gave again is there once, with how often.
func (a *Answers) Complaints(ctx context.Context, tenant desk.TenantID, since time.Time) ([]desk.Complaint, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := a.db.read.QueryContext(ctx, `SELECT a.id, a.user_id, a.conversation_id, a.question,
			COALESCE((SELECT MAX(t.standalone) FROM turns t
				WHERE t.tenant = a.tenant AND t.user_id = a.user_id AND t.conversation_id = a.conversation_id AND t.answer_id = a.id), ''),
			a.lang, a.asked_at, f.answer_id IS NOT NULL, a.askings + 1
		FROM answers a
		LEFT JOIN (SELECT DISTINCT answer_id FROM feedback WHERE tenant = $1 AND rating = $3) f ON f.answer_id = a.id
		WHERE a.tenant = $1 AND a.asked_at >= $2
			AND (f.answer_id IS NOT NULL OR a.outcome = $4 AND (a.detail LIKE $5 OR a.detail LIKE $6))
		ORDER BY a.asked_at DESC, a.id LIMIT $7`,
		tenant, millis(since), desk.RatedDown, desk.Abstained, handedOff(desk.HandoffNoAnswer), handedOff(desk.HandoffUnverified), maxComplaints)
	all, err := collect(rows, err, func(r *sql.Rows) (c desk.Complaint, err error) {
		scope := desk.Scope{Tenant: tenant}
		var conversation desk.ConversationID
		var standalone desk.Masked
		var asked int64
		if err := r.Scan(&c.Answer, &scope.User, &conversation, &c.Question, &standalone, &c.Lang, &asked, &c.Disliked, &c.Askings); err != nil {
			return c, err
		}
		c.Asked = fromMillis(asked)
		if standalone == "" {
			return c, a.db.unseal(&c.Question, inAnswer("question", c.Answer))
		}
		c.Question = standalone
		return c, a.db.unseal(&c.Question, inTurn("standalone", scope, conversation, c.Answer))
	})
	if err != nil {
		return nil, fmt.Errorf("read complaints: %w", a.db.engine.explain(err))
	}
	return all, nil
}

// handedOff is the pattern of details with a handoff for that reason. A
// citation cannot hold it: its quotation marks are escaped.
func handedOff(reason desk.HandoffReason) string {
	return `%"handoff":{"reason":"` + string(reason) + `"%`
}
