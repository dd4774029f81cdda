package store

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"kefu/internal/desk"
	"kefu/migrations"
)

// migrate brings the schema up to date. Several processes may start at once:
// PostgreSQL lets one of them migrate at a time; on SQLite the loser of a race
// finds the work done and looks again.
func (db *DB) migrate(ctx context.Context) error { return db.migrateTo(ctx, migrations.FS) }

// migrateTo brings one of the schemas up to date, with its own table of
// versions where that is among the options.
func (db *DB) migrateTo(ctx context.Context, schema fs.FS, opts ...goose.ProviderOption) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	p, err := db.provider(schema, opts...)
	if err != nil {
		return err
	}
	const races = 5
	for range races {
		current, known, verr := p.GetVersions(ctx)
		switch {
		case verr != nil:
			return fmt.Errorf("read schema version: %w", verr)
		case current > known:
			return newer(db.Name(), current, known)
		case current == known:
			return nil
		}
		if _, err = p.Up(ctx); err == nil {
			return nil
		}
		if explained := db.engine.explain(err); explained != err {
			return explained
		}
	}
	return fmt.Errorf("migrate: %w", err)
}

func (db *DB) provider(schema fs.FS, opts ...goose.ProviderOption) (*goose.Provider, error) {
	opts = append(opts, goose.WithDisableGlobalRegistry(true))
	if db.engine.dialect() == goose.DialectPostgres {
		// One try a second for a minute.
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(db.engine.dialect(), db.write, schema, opts...)
}

func newer(name string, current, known int64) error {
	return &desk.Error{
		Kind: desk.Unavailable, Code: "database_newer",
		Local: fmt.Sprintf("The database %s has schema version %d, but this kefu knows versions up to %d: a newer kefu has used it. "+
			"Start that version again, or restore a backup made before the upgrade.", name, current, known),
	}
}
