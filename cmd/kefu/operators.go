package main

import (
	"context"
	"log/slog"

	"kefu/internal/curated"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/ingest"
	"kefu/internal/store"
)

// operators is what the HTTP interface lets operators do.
func (a *app) operators() *httpapi.Operators {
	inbox := ingest.NewInbox(a.loader, a.log)
	a.workers.start("uploads", inbox.Run)
	d := shelf{Documents: a.db.Documents(), loader: a.loader, inbox: inbox, log: a.log}
	return &httpapi.Operators{Documents: d, Releases: d, Inspector: a.answers, Curated: curated.New(d, a.loader.FitsPair)}
}

// shelf is the knowledge base as operators change it over HTTP: what returns
// is served by every running server.
type shelf struct {
	*store.Documents
	loader *ingest.Loader
	inbox  *ingest.Inbox
	log    *slog.Logger
}

func (s shelf) Put(ctx context.Context, tenant desk.TenantID, by string, uploads []desk.Upload, later bool) ([]desk.Intake, error) {
	files := make([]desk.Intake, len(uploads))
	for i, u := range uploads {
		if u.ID == "" {
			if err := ingest.CheckName(u.Path); err != nil {
				return nil, err
			}
		}
		uploads[i] = ingest.Named(tenant, u)
		u = uploads[i]
		files[i] = desk.Intake{Source: u.Source, Path: u.Path, Document: u.ID, State: desk.Queued}
	}
	if later {
		return files, s.inbox.Take(ctx, tenant, by, uploads)
	}
	report, err := s.loader.Put(ctx, tenant, by, uploads)
	if err != nil && report.Revision == 0 {
		return nil, err
	}
	s.await(ctx, report.Revision)
	for i := range files {
		files[i].State = desk.Ready
		for _, f := range report.Flagged {
			if f.Path == files[i].Path {
				files[i].Flag = f.Rule
			}
		}
		for _, f := range report.Failed {
			if f.Path == files[i].Path {
				files[i].State, files[i].Code, files[i].Reason = desk.Failed, string(f.Code), f.Reason
			}
		}
	}
	return files, nil
}

func (s shelf) Remove(ctx context.Context, tenant desk.TenantID, by string, id desk.DocumentID) (desk.Release, error) {
	if _, _, err := s.Get(ctx, tenant, id); err != nil {
		return desk.Release{}, err
	}
	r, err := s.loader.Remove(ctx, tenant, by, []desk.DocumentID{id})
	if err == nil {
		s.await(ctx, r.Revision)
	}
	return r, err
}

func (s shelf) Rollback(ctx context.Context, tenant desk.TenantID, to desk.Revision, by string) (desk.Release, error) {
	r, err := s.Documents.Rollback(ctx, tenant, to, by)
	if err == nil {
		s.await(ctx, r.Revision)
	}
	return r, err
}

// await waits for the running servers to serve the revision. One that takes
// longer has lost its lease by then, and catches up before it serves.
func (s shelf) await(ctx context.Context, rev desk.Revision) {
	ctx, cancel := context.WithTimeout(ctx, acknowledged)
	defer cancel()
	if err := s.WaitAcknowledged(ctx, rev); err != nil {
		s.log.Warn("not every server has taken a publish over yet", "revision", int64(rev), "error", err)
	}
}
