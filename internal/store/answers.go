package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

// Answers are the answers that were given, with their questions and traces.
type Answers struct {
	db       *DB
	insert   insert
	handoffs insert
	erasures *sql.Stmt // tells whether there are any
}

// detail is the part of an answer that SQL does not look into.
type detail struct {
	Citations []desk.Citation `json:"citations,omitempty"`
	Sealed    string          `json:"sealed,omitempty"` // the citations, where texts are encrypted
	Handoff   *desk.Handoff   `json:"handoff,omitempty"`
	Basis     desk.Basis      `json:"basis"`
	Usage     desk.Usage      `json:"usage"`
}

var answerColumns = []string{
	"id", "tenant", "key_id", "user_id", "conversation_id", "asked_at", "question", "answer", "lang",
	"route", "route_reason", "route_confidence", "pleasantry", "outcome", "grounded", "degraded", "provider", "model",
	"prompt_tokens", "completion_tokens", "cost", "cache_tier", "latency_us", "trace_id", "detail", "trace",
}

func newAnswers(ctx context.Context, db *DB) (*Answers, error) {
	a := &Answers{db: db, insert: insert{
		mark: db.engine.mark, table: "answers", columns: answerColumns, conflict: "ON CONFLICT (id) DO NOTHING",
	}, handoffs: newHandoffInsert(db)}
	var err error
	a.erasures, err = db.write.PrepareContext(ctx, `SELECT EXISTS (SELECT 1 FROM erasures`+db.engine.heed()+`)`)
	return a, errors.Join(err, a.insert.prepare(ctx, db.write), a.handoffs.prepare(ctx, db.write))
}

// Write saves records in one transaction. Those whose answer id is there
// already are passed over, so that a batch may be written again, and so are
// those whose user or conversation was deleted after they were asked.
func (a *Answers) Write(ctx context.Context, records []desk.Record) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	details := make([][2]string, len(records))
	for i, r := range records {
		var err error
		if details[i], err = a.encodeDetails(r.Answer); err != nil {
			return fmt.Errorf("encode answer %s: %w", r.Answer.ID, err)
		}
	}
	db := a.db
	err := db.transact(ctx, func(tx *sql.Tx) error {
		err := a.insert.exec(ctx, tx, len(records), func(args []any, i int) []any {
			q, a := &records[i].Question, &records[i].Answer
			return append(args,
				string(a.ID), string(q.Scope.Tenant), string(q.Scope.Key), string(q.Scope.User), string(a.Conversation),
				millis(q.Asked), db.seal(cmp.Or(q.Said, q.Text), inAnswer("question", a.ID)), db.seal(a.Text, inAnswer("answer", a.ID)), string(a.Lang),
				string(a.Route.Kind), a.Route.Reason, a.Route.Confidence, a.Route.Pleasantry,
				string(a.Outcome), a.Grounded, a.Degraded, a.Provider, a.Model,
				a.Usage.Prompt, a.Usage.Completion, int64(a.Cost), a.CacheTier, a.Latency.Microseconds(), a.TraceID,
				details[i][0], details[i][1])
		})
		if err != nil {
			return err
		}
		if err := a.handOff(ctx, tx, records); err != nil {
			return err
		}
		return a.leaveErased(ctx, tx, records)
	})
	if err != nil {
		return fmt.Errorf("write answers: %w", err)
	}
	return nil
}

// encodeDetails returns the detail and the trace as JSON.
func (s *Answers) encodeDetails(a desk.Answer) ([2]string, error) {
	kept := detail{Citations: a.Citations, Handoff: a.Handoff, Basis: a.Basis, Usage: a.Usage}
	if s.db.seals.On() && len(a.Citations) > 0 {
		c, err := json.Marshal(a.Citations)
		if err != nil {
			return [2]string{}, err
		}
		kept.Citations, kept.Sealed = nil, s.db.seals.Seal(string(c), inAnswer("citations", a.ID))
	}
	d, err := json.Marshal(kept)
	if err != nil {
		return [2]string{}, err
	}
	t, err := json.Marshal(a.Trace)
	return [2]string{string(d), s.db.seals.Seal(string(t), inAnswer("trace", a.ID))}, err
}

// inAnswer is the place of a text in the row of an answer.
func inAnswer(column string, id desk.AnswerID) string {
	return seal.Place("answers", column, string(id))
}

// seal makes of a text what is stored.
func (db *DB) seal(text desk.Masked, place string) string { return db.seals.Seal(clean(text), place) }

// unseal makes a text of what was stored.
func (db *DB) unseal(text *desk.Masked, place string) error {
	opened, err := db.seals.Open(string(*text), place)
	*text = desk.Masked(opened)
	return err
}

// clean removes what PostgreSQL does not take in text.
func clean[T ~string](text T) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(text), "\uFFFD"), "\x00", "")
}

const selectAnswers = `SELECT id, tenant, key_id, user_id, conversation_id, asked_at, question, answer, lang,
	route, route_reason, route_confidence, pleasantry, outcome, grounded, degraded, provider, model,
	cost, cache_tier, latency_us, trace_id, detail, trace FROM answers`

// Page lists the n latest answers that q chooses, with their questions and
// traces.
func (a *Answers) Page(ctx context.Context, tenant desk.TenantID, q desk.AnswerQuery, n int) ([]desk.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := a.db.read.QueryContext(ctx, selectAnswers+` WHERE tenant = $1 AND (outcome = $2 OR $2 = '') AND (asked_at, id) < ($3, $4)
		ORDER BY asked_at DESC, id DESC LIMIT $5`, tenant, string(q.Outcome), upTo(q.Before), q.BeforeID, n)
	all, err := collect(rows, err, func(r *sql.Rows) (desk.Record, error) { return a.scanRecord(r) })
	if err != nil {
		return nil, fmt.Errorf("list answers: %w", a.db.engine.explain(err))
	}
	return all, nil
}

// Get returns an answer of the scope's tenant with its question and trace. The
// error is a *desk.Error of kind NotFound, code answer_not_found, when there
// is none; an answer is found up to 0.2 s after it was recorded.
func (a *Answers) Get(ctx context.Context, scope desk.Scope, id desk.AnswerID) (desk.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	r, err := a.scanRecord(a.db.read.QueryRowContext(ctx, selectAnswers+` WHERE id = $1 AND tenant = $2`, id, scope.Tenant))
	if errors.Is(err, sql.ErrNoRows) {
		err = noAnswer()
	}
	if err != nil {
		return desk.Record{}, fmt.Errorf("get answer: %w", a.db.engine.explain(err))
	}
	return r, nil
}

// noAnswer does not repeat what it was asked for: a caller may have put anything
// there.
func noAnswer() error {
	return &desk.Error{
		Kind: desk.NotFound, Code: "answer_not_found", Field: "id", Public: "There is no such answer.",
	}
}

func (s *Answers) scanRecord(row scanner) (desk.Record, error) {
	var r desk.Record
	q, a := &r.Question, &r.Answer
	var asked, latency int64
	var details []byte
	var trace string
	err := row.Scan(&a.ID, &q.Scope.Tenant, &q.Scope.Key, &q.Scope.User, &a.Conversation, &asked, &q.Text, &a.Text, &a.Lang,
		&a.Route.Kind, &a.Route.Reason, &a.Route.Confidence, &a.Route.Pleasantry, &a.Outcome, &a.Grounded, &a.Degraded,
		&a.Provider, &a.Model, &a.Cost, &a.CacheTier, &latency, &a.TraceID, &details, &trace)
	if err != nil {
		return desk.Record{}, err
	}
	if err := s.decodeTexts(&r, details, trace); err != nil {
		return desk.Record{}, err
	}
	a.Latency = time.Duration(latency) * time.Microsecond
	q.ID, q.Lang, q.Conversation, q.Asked = a.ID, a.Lang, a.Conversation, fromMillis(asked)
	return r, nil
}

// decodeTexts opens what was said in an answer that was read as it is stored.
func (s *Answers) decodeTexts(r *desk.Record, details []byte, trace string) error {
	q, a := &r.Question, &r.Answer
	var d detail
	err := errors.Join(json.Unmarshal(details, &d), s.db.unseal(&q.Text, inAnswer("question", a.ID)), s.db.unseal(&a.Text, inAnswer("answer", a.ID)),
		s.decode(trace, inAnswer("trace", a.ID), &a.Trace))
	if d.Sealed != "" {
		err = errors.Join(err, s.decode(d.Sealed, inAnswer("citations", a.ID), &d.Citations))
	}
	if err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	a.Citations, a.Handoff, a.Basis, a.Usage = d.Citations, d.Handoff, d.Basis, d.Usage
	return nil
}

// decode reads JSON that may be sealed.
func (s *Answers) decode(text, place string, into any) error {
	opened, err := s.db.seals.Open(text, place)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(opened), into)
}
