package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

const (
	// replyFor is how long a reply is kept.
	replyFor = 24 * time.Hour
	// inFlightFor is when a request that never ended may be made again: its
	// process has crashed by then.
	inFlightFor = 5 * time.Minute
)

// Idempotency remembers the replies to requests that are carried out once.
type Idempotency struct{ db *DB }

// Begin claims a request. A reply is returned where it was carried out before;
// where it is under way the error is a *desk.Error of kind Conflict, code
// idempotency_in_flight, and of kind Invalid, code idempotency_mismatch, where
// the name was used for another request. Without any the caller carries it
// out, and must call End.
func (i *Idempotency) Begin(ctx context.Context, o desk.Once) (*desk.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	var before *desk.Reply
	err := i.db.transact(ctx, func(tx *sql.Tx) error {
		var one int
		err := tx.QueryRowContext(ctx, `INSERT INTO idempotency (tenant, key_id, name, request, status, media_type, reply, expires_at)
			VALUES ($1, $2, $3, $4, 0, '', $5, $6)
			ON CONFLICT (tenant, key_id, name) DO UPDATE SET
				request = excluded.request, status = 0, media_type = '', reply = excluded.reply, expires_at = excluded.expires_at
			WHERE idempotency.expires_at < $7 RETURNING 1`,
			o.Tenant, o.Caller, o.Name, o.Request[:], []byte{}, millis(time.Now().Add(inFlightFor)), millis(time.Now())).Scan(&one)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if before, err = known(ctx, tx, o); err != nil {
			return err
		}
		body, err := i.db.seals.Open(string(before.Body), inReply(o))
		before.Body = []byte(body)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("begin request: %w", err)
	}
	return before, nil
}

// inReply is the place of a reply.
func inReply(o desk.Once) string {
	return seal.Place("idempotency", "reply", string(o.Tenant), string(o.Caller), o.Name)
}

// known is what became of a request with the same name.
func known(ctx context.Context, tx *sql.Tx, o desk.Once) (*desk.Reply, error) {
	var r desk.Reply
	var request []byte
	err := tx.QueryRowContext(ctx, `SELECT request, status, media_type, reply FROM idempotency WHERE tenant = $1 AND key_id = $2 AND name = $3`,
		o.Tenant, o.Caller, o.Name).Scan(&request, &r.Status, &r.MediaType, &r.Body)
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(request, o.Request[:]):
		return nil, &desk.Error{
			Kind: desk.Invalid, Code: "idempotency_mismatch", Field: "Idempotency-Key",
			Public: "The Idempotency-Key was used for another request; use a new one.",
		}
	case r.Status == 0:
		return nil, &desk.Error{
			Kind: desk.Conflict, Code: "idempotency_in_flight", Field: "Idempotency-Key", RetryAfter: time.Second,
			Public: "The request with this Idempotency-Key is still under way.",
		}
	}
	return &r, nil
}

// End keeps the reply for 24 hours, unless its user was deleted since it began;
// nil lets the request be made again.
func (i *Idempotency) End(ctx context.Context, o desk.Once, r *desk.Reply) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err := i.db.transact(ctx, func(tx *sql.Tx) error {
		if r == nil {
			_, err := tx.ExecContext(ctx, `DELETE FROM idempotency WHERE tenant = $1 AND key_id = $2 AND name = $3 AND status = 0`,
				o.Tenant, o.Caller, o.Name)
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE idempotency SET status = $4, media_type = $5, reply = $6, expires_at = $7, user_id = $8
			WHERE tenant = $1 AND key_id = $2 AND name = $3`, o.Tenant, o.Caller, o.Name, r.Status, r.MediaType,
			[]byte(i.db.seals.Seal(string(r.Body), inReply(o))), millis(time.Now().Add(replyFor)), r.User)
		if err != nil || r.User == "" {
			return err
		}
		user := subjectOf(desk.Scope{Tenant: o.Tenant, User: r.User}, "")
		_, err = tx.ExecContext(ctx, `DELETE FROM idempotency WHERE tenant = $1 AND key_id = $2 AND name = $3
			AND `+i.db.erasedSince(4, 4, 5), o.Tenant, o.Caller, o.Name, user, millis(o.Began))
		return err
	})
	if err != nil {
		return fmt.Errorf("end request: %w", err)
	}
	return nil
}

// Run forgets replies that are older than a day, every hour until ctx ends.
func (i *Idempotency) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if _, err := i.db.write.ExecContext(ctx, `DELETE FROM idempotency WHERE expires_at < $1`, millis(time.Now())); err != nil && ctx.Err() == nil {
			i.db.ledger.log.Warn("old replies not forgotten", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
