package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// Handoffs are the customers whom answers sent to a person, one for each such
// answer: written, forgotten and deleted with it.
type Handoffs struct{ db *DB }

func newHandoffInsert(db *DB) insert {
	return insert{
		mark: db.engine.mark, table: "handoffs", conflict: "ON CONFLICT (answer_id) DO NOTHING",
		columns: []string{"answer_id", "tenant", "asked_at", "reason", "state", "handled_by", "handled_at", "webhook", "raised_at"},
	}
}

// handOff adds the handoffs among records, in the transaction that writes their
// answers.
func (s *Answers) handOff(ctx context.Context, tx *sql.Tx, records []desk.Record) error {
	var sent []desk.Record
	for _, r := range records {
		if r.Answer.Handoff != nil {
			sent = append(sent, r)
		}
	}
	return s.handoffs.exec(ctx, tx, len(sent), func(args []any, i int) []any {
		q, a := &sent[i].Question, &sent[i].Answer
		return append(args, string(a.ID), string(q.Scope.Tenant), millis(q.Asked), string(a.Handoff.Reason), string(desk.HandoffOpen), "", int64(0), "", millis(q.Asked))
	})
}

const selectCases = `SELECT a.id, a.user_id, a.conversation_id, a.asked_at, a.question, a.answer, a.lang, a.detail, a.askings + 1,
	h.again_at, h.raised_at, h.state, h.handled_by, h.handled_at, h.webhook FROM handoffs h JOIN answers a ON a.id = h.answer_id`

// Page lists the n latest handoffs that q chooses.
func (h *Handoffs) Page(ctx context.Context, tenant desk.TenantID, q desk.CaseQuery, n int) ([]desk.Case, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := h.db.read.QueryContext(ctx, selectCases+` WHERE h.tenant = $1 AND (h.state = $2 OR $2 = '') AND (h.raised_at, h.answer_id) < ($3, $4)
		ORDER BY h.raised_at DESC, h.answer_id DESC LIMIT $5`, tenant, string(q.State), upTo(q.Before), q.BeforeID, n)
	all, err := collect(rows, err, func(r *sql.Rows) (desk.Case, error) { return h.scan(r) })
	if err != nil {
		return nil, fmt.Errorf("list handoffs: %w", h.db.engine.explain(err))
	}
	return all, nil
}

// Get returns the handoff of an answer. The error is a *desk.Error of kind
// NotFound, code handoff_not_found, where the tenant has none; one is found up
// to 0.2 s after its answer was given.
func (h *Handoffs) Get(ctx context.Context, tenant desk.TenantID, id desk.AnswerID) (desk.Case, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	c, err := h.scan(h.db.read.QueryRowContext(ctx, selectCases+` WHERE h.answer_id = $1 AND h.tenant = $2`, id, tenant))
	if err != nil {
		return desk.Case{}, fmt.Errorf("get handoff: %w", h.db.engine.explain(missingCase(err)))
	}
	return c, nil
}

// Move brings the handoff of an answer into a state, whatever it was in, and
// notes who did. The error is a *desk.Error: of kind NotFound, code
// handoff_not_found, where the tenant has none, and of kind Conflict, code
// handoff_taken, where by takes what somebody else has taken.
func (h *Handoffs) Move(ctx context.Context, tenant desk.TenantID, id desk.AnswerID, to desk.HandoffState, by string, at time.Time) (c desk.Case, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err = h.db.transact(ctx, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE handoffs SET state = $3, handled_by = $4, handled_at = $5,
			raised_at = CASE WHEN $3 = 'open' THEN $5 ELSE raised_at END
			WHERE answer_id = $1 AND tenant = $2 AND NOT (state = $3 AND $3 = 'taken' AND handled_by <> $4)`, id, tenant, string(to), by, millis(at)))
		if err != nil {
			return err
		}
		if c, err = h.scan(tx.QueryRowContext(ctx, selectCases+` WHERE h.answer_id = $1 AND h.tenant = $2`, id, tenant)); err != nil {
			return missingCase(err)
		}
		if n == 0 {
			return &desk.Error{Kind: desk.Conflict, Code: "handoff_taken", Field: "state", Public: "Somebody else has taken this handoff."}
		}
		return nil
	})
	if err != nil {
		return desk.Case{}, fmt.Errorf("move handoff: %w", err)
	}
	return c, nil
}

// Told notes what became of telling the webhook of the handoff of an answer;
// found is false where it is not recorded, or no more.
func (h *Handoffs) Told(ctx context.Context, id desk.AnswerID, d desk.Delivery) (found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	n, err := affected(h.db.write.ExecContext(ctx, `UPDATE handoffs SET webhook = $2 WHERE answer_id = $1`, id, string(d)))
	if err != nil {
		return false, fmt.Errorf("note delivery of handoff: %w", h.db.engine.explain(err))
	}
	return n > 0, nil
}

func (h *Handoffs) scan(row scanner) (c desk.Case, err error) {
	var asked, again, raised, changed int64
	var details []byte
	err = row.Scan(&c.Answer, &c.User, &c.Conversation, &asked, &c.Question, &c.Text, &c.Lang, &details, &c.Askings,
		&again, &raised, &c.State, &c.By, &changed, &c.Webhook)
	if err != nil {
		return desk.Case{}, err
	}
	var d struct{ Handoff desk.Handoff }
	err = errors.Join(json.Unmarshal(details, &d), h.db.unseal(&c.Question, inAnswer("question", c.Answer)), h.db.unseal(&c.Text, inAnswer("answer", c.Answer)))
	if err != nil {
		return desk.Case{}, fmt.Errorf("decode handoff: %w", err)
	}
	c.Asked, c.Raised, c.Handoff = fromMillis(asked), fromMillis(raised), d.Handoff
	if again != 0 {
		c.Again = fromMillis(again)
	}
	if changed != 0 {
		c.Changed = fromMillis(changed)
	}
	return c, nil
}

func missingCase(err error) error {
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return &desk.Error{Kind: desk.NotFound, Code: "handoff_not_found", Field: "id", Public: "There is no such handoff."}
}
