package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"kefu/internal/seal"
)

// sealedColumns hold what customers said. Documents are not among them: they
// are what customers are told.
var sealedColumns = map[string][]string{
	"answers":     {"question", "answer", "trace"}, // the citations, in detail, go with the answer
	"turns":       {"question", "standalone", "answer"},
	"feedback":    {"comment"},
	"idempotency": {"reply"},
}

// checkKeys refuses to open a database in which something was sealed with a key
// that is not there, and notes the key that seals from now on.
func (db *DB) checkKeys(ctx context.Context) error {
	rows, err := db.read.QueryContext(ctx, `SELECT id FROM encryption_keys`)
	noted, err := collect(rows, err, func(r *sql.Rows) (id string, err error) {
		err = r.Scan(&id)
		return id, err
	})
	if err != nil {
		return fmt.Errorf("read encryption keys: %w", err)
	}
	have := db.seals.IDs()
	for _, id := range noted {
		if slices.Contains(have, id) {
			continue
		}
		used, err := db.sealedWith(ctx, id)
		switch {
		case err != nil:
			return fmt.Errorf("look for what is encrypted: %w", err)
		case used:
			return seal.Missing(id)
		}
		if _, err := db.write.ExecContext(ctx, `DELETE FROM encryption_keys WHERE id = $1`, id); err != nil {
			return fmt.Errorf("forget an encryption key: %w", err)
		}
	}
	if len(have) == 0 || slices.Contains(noted, have[0]) {
		return nil
	}
	_, err = db.write.ExecContext(ctx, `INSERT INTO encryption_keys (id, since) VALUES ($1, $2) ON CONFLICT DO NOTHING`, have[0], millis(time.Now()))
	if err != nil {
		return fmt.Errorf("note an encryption key: %w", err)
	}
	return nil
}

// sealedWith tells whether a text was sealed with that key. It reads whole
// tables, which is done for keys that are gone alone.
func (db *DB) sealedWith(ctx context.Context, id string) (used bool, err error) {
	for table, columns := range sealedColumns {
		for _, column := range columns {
			from := seal.Begins(id)
			err := db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+table+` WHERE substr(`+column+`, 1, $2) = $1)`, db.like(table, from), len(from)).Scan(&used)
			if err != nil || used {
				return used, err
			}
		}
	}
	return false, nil
}

// like is a beginning as a value of the table's texts, which are bytes for
// replies.
func (db *DB) like(table, text string) any {
	if table == "idempotency" {
		return []byte(text)
	}
	return text
}
