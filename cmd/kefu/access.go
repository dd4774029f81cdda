package main

import (
	"context"
	"fmt"

	"kefu/internal/access"
	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

// doorkeeper takes questions without a key only from this machine.
type doorkeeper struct {
	*access.Directory
	local bool
}

func (d doorkeeper) Open() bool { return d.local && d.Directory.Open() }

func (a *app) admin() *httpapi.Admin {
	return &httpapi.Admin{
		Tenants: a.db.Tenants(), Keys: a.db.Keys(), Budgets: a.db.Budgets(), Audit: a.db.Audit(), Usage: a.db, Users: a.db.Users(), Answers: a.db.Answers(), Gaps: openGaps{complaints{a.db.Answers()}, a.answers.Curated}, Handoffs: a.db.Handoffs(),
	}
}

// govern reads keys and budgets and follows their changes from then on.
func (a *app) govern(ctx context.Context) error {
	if err := a.directory.Refresh(ctx); err != nil {
		return err
	}
	a.workers.start("access", a.directory.Run)
	return nil
}

// guardDoor refuses to serve other machines where nobody has a key. On this
// machine alone that is no trouble: operators sign in by a link.
func (a *app) guardDoor() error {
	if a.directory.Keyed() || a.cfg.Local() {
		return nil
	}
	return &desk.Error{
		Kind: desk.Invalid, Code: "key_required", Field: "addr",
		Public: fmt.Sprintf("%s can be reached from other machines, so callers must show a key: make one with 'kefu keys create', "+
			"set KEFU_API_KEY (or KEFU_API_KEY_FILE) to at least %d random characters, or listen on 127.0.0.1", a.cfg.Addr, config.MinAPIKey),
	}
}
