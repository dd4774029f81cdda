package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// groups are the numbers of rows that one INSERT may carry, largest first. A
// few sizes keep the number of different statements small, so that each can
// be prepared once.
var groups = [...]int{64, 16, 4, 1}

// insert is an INSERT of many rows into one table.
type insert struct {
	table    string
	columns  []string
	conflict string // ON CONFLICT …; empty: a conflict is an error
	// mark is the engine's placeholder for the nth argument.
	mark     func(n int) string
	prepared map[int]*sql.Stmt
}

// text is the statement for that many rows.
func (in *insert) text(rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", in.table, strings.Join(in.columns, ", "))
	for n := range rows * len(in.columns) {
		switch {
		case n == 0:
			b.WriteString("(")
		case n%len(in.columns) == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString(in.mark(n + 1))
	}
	b.WriteString(") " + in.conflict)
	return b.String()
}

// prepare makes exec reuse its statements on pool until that is closed. It
// must be called before the first exec.
func (in *insert) prepare(ctx context.Context, pool *sql.DB) error {
	in.prepared = make(map[int]*sql.Stmt, len(groups))
	for _, size := range groups {
		s, err := pool.PrepareContext(ctx, in.text(size))
		if err != nil {
			return fmt.Errorf("prepare insert into %s: %w", in.table, err)
		}
		in.prepared[size] = s
	}
	return nil
}

// exec inserts n rows; row appends the values of row i in the order of the
// columns.
func (in *insert) exec(ctx context.Context, tx *sql.Tx, n int, row func(args []any, i int) []any) error {
	args := make([]any, 0, min(n, groups[0])*len(in.columns))
	for done := 0; done < n; {
		size := groupFor(n - done)
		args = args[:0]
		for i := range size {
			args = row(args, done+i)
		}
		var err error
		if s := in.prepared[size]; s != nil {
			_, err = tx.StmtContext(ctx, s).ExecContext(ctx, args...)
		} else {
			_, err = tx.ExecContext(ctx, in.text(size), args...)
		}
		if err != nil {
			return fmt.Errorf("insert into %s: %w", in.table, err)
		}
		done += size
	}
	return nil
}

// groupFor is the largest group that n rows fill.
func groupFor(n int) int {
	for _, size := range groups {
		if size <= n {
			return size
		}
	}
	return 1
}

// placeholders is "$first, …" for n values.
func placeholders(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	return b.String()
}
