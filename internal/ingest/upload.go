package ingest

import (
	"context"
	"errors"
	"log/slog"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
)

// UploadSource is the source of documents that are handed in one by one and
// name none.
const UploadSource = "api"

// CheckName tells whether a path may name an upload. It never reaches a disk,
// but it is shown, and becomes a file when somebody exports it.
func CheckName(name string) error {
	bad := func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' || r == ':' || r == utf8.RuneError }
	if name == "" || len(name) > 255 || strings.ContainsFunc(name, bad) || path.Clean("/"+name) != "/"+name || strings.HasPrefix(path.Base(name), ".") {
		return &desk.Error{
			Kind: desk.Invalid, Code: "name_invalid", Field: "name",
			Public: "A name is a relative path such as faq/returns.md, of at most 255 bytes, without .. and control characters.",
		}
	}
	return nil
}

// Named gives an upload its source, its path and the id that follows from
// them, where it replaces no other document.
func Named(tenant desk.TenantID, u desk.Upload) desk.Upload {
	u.Source = or(u.Source, UploadSource)
	u.ID = or(u.ID, documentID(tenant, u.Source, u.Path))
	u.Name = or(u.Name, u.Path)
	return u
}

// Put takes in documents of one source, which Named has named, as one release.
// Why some cannot be taken in is in the report.
func (l *Loader) Put(ctx context.Context, tenant desk.TenantID, author string, uploads []desk.Upload) (Report, error) {
	files := make([]file, len(uploads))
	for i, u := range uploads {
		files[i] = file{shown: u.Path, path: u.Path, name: u.Name, id: u.ID, data: append([]byte{}, u.Data...)} // not nil
	}
	req := Request{Source: uploads[0].Source, Author: author}
	return l.bring(ctx, tenant, req, desk.ReleaseEdit, files, nil, nil)
}

// Inbox takes in uploads one after another, beside the requests that brought
// them. It is safe for concurrent use.
type Inbox struct {
	loader *Loader
	log    *slog.Logger
	queue  chan queued
}

type queued struct {
	tenant  desk.TenantID
	author  string
	uploads []desk.Upload
}

// notes are the uploads in one state.
func (q queued) notes(state desk.IntakeState, code, reason string) []desk.Intake {
	notes := make([]desk.Intake, len(q.uploads))
	for i, u := range q.uploads {
		notes[i] = desk.Intake{Source: u.Source, Path: u.Path, Document: u.ID, State: state, Code: code, Reason: reason}
	}
	return notes
}

const (
	// inboxLength bounds the uploads in memory, each up to MaxFileBytes.
	inboxLength = 8
	// uploadTimeout bounds the work on one upload.
	uploadTimeout = 10 * time.Minute
)

// NewInbox returns an inbox whose Run must be started.
func NewInbox(l *Loader, log *slog.Logger) *Inbox {
	return &Inbox{loader: l, log: log, queue: make(chan queued, inboxLength)}
}

// Take queues uploads of one source and returns once their state can be asked
// for. The error is a *desk.Error with code uploads_waiting when too many wait
// already.
func (b *Inbox) Take(ctx context.Context, tenant desk.TenantID, author string, uploads []desk.Upload) error {
	q := queued{tenant, author, uploads}
	notes := q.notes(desk.Queued, "", "")
	if err := b.loader.docs.Note(ctx, tenant, notes); err != nil {
		return err
	}
	select {
	case b.queue <- q:
		return nil
	default:
	}
	full := &desk.Error{
		Kind: desk.Unavailable, Code: "uploads_waiting", RetryAfter: 10 * time.Second,
		Public: "Too many documents wait to be taken in; send this one again later.",
	}
	return errors.Join(full, b.loader.docs.Forget(ctx, tenant, notes))
}

// Run takes in what is queued until ctx ends. What waits then is marked as
// failed, so that whoever sent it knows to send it again.
func (b *Inbox) Run(ctx context.Context) error {
	for {
		select {
		case q := <-b.queue:
			b.put(ctx, q)
		case <-ctx.Done():
			return b.giveUp(ctx)
		}
	}
}

func (b *Inbox) put(ctx context.Context, q queued) {
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	report, err := b.loader.Put(ctx, q.tenant, q.author, q.uploads)
	if len(report.Flagged) > 0 {
		b.log.Warn("uploads may speak to the assistant", "tenant", string(q.tenant), "documents", len(report.Flagged), "rule", report.Flagged[0].Rule)
	}
	if err == nil || report.Revision != 0 {
		return
	}
	b.log.Error("uploads not taken in", "tenant", string(q.tenant), "error", err)
	if err := b.fail(ctx, q, "it could not be taken in; send it again"); err != nil {
		b.log.Error("state of uploads not recorded", "tenant", string(q.tenant), "error", err)
	}
}

func (b *Inbox) fail(ctx context.Context, q queued, reason string) error {
	return b.loader.docs.Note(context.WithoutCancel(ctx), q.tenant, q.notes(desk.Failed, "interrupted", reason))
}

func (b *Inbox) giveUp(ctx context.Context) error {
	var err error
	for {
		select {
		case q := <-b.queue:
			err = errors.Join(err, b.fail(ctx, q, "the server was stopped; send it again"))
		default:
			return err
		}
	}
}
