package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/ingest"
)

func (c *cli) kbSync() *cobra.Command {
	var req ingest.Request
	var watch time.Duration
	cmd := &cobra.Command{
		Use: "sync FOLDER|URL", Short: "Make a source equal to a folder or a sitemap: add, update and remove",
		Long: `Makes the documents of a source equal to the files of a folder, or to the pages
of a sitemap. All changes are served at once, as one release that 'kefu kb
rollback' can take back. Unchanged documents are skipped and unchanged chunks are
not embedded again. A sync that is killed has changed nothing; the next one goes
on with what it had done. A file that cannot be loaded is named, what was
published of it before stays, and the exit status is 3.

A timer that syncs every half an hour says --again-within 2h: when no sync has
succeeded as a whole by then, 'kefu doctor' names the source and the alert
KefuKBStale fires.`,
		Example: "  kefu kb sync docs/ --source docs\n  kefu kb sync https://help.example.com/sitemap.xml --source help --again-within 2h\n  kefu kb sync docs/ --source docs --dry-run\n  kefu kb sync docs/ --source docs --watch",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if req.Source == "" {
				return usageError{errors.New("--source is needed: it names what the folder or sitemap is made equal to")}
			}
			if watch != 0 && ingest.IsAddress(paths[0]) {
				return usageError{errors.New("--watch watches folders; sync an address at intervals instead")}
			}
			if req.Again < 0 {
				return usageError{fmt.Errorf("--again-within %v: want a time that is not negative", req.Again)}
			}
			if err := checkLoad(paths, req.MaxPages); err != nil {
				return err
			}
			req.Paths, req.Root, req.Exact = paths, paths[0], true
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error {
				if watch == 0 {
					return c.load(ctx, b, req)
				}
				return c.watchFolder(ctx, b, req, watch)
			})
		},
	}
	cmd.Flags().StringVar(&req.Source, "source", "", "name of the source that is made equal to the folder (required)")
	cmd.Flags().BoolVarP(&req.DryRun, "dry-run", "n", false, "say what would change, change nothing")
	maxPagesFlag(cmd, &req)
	cmd.Flags().BoolVar(&req.AllowEmpty, "allow-empty", false, "let an empty folder remove all documents of the source")
	cmd.Flags().DurationVar(&req.Again, "again-within", 0, "promise the next sync within that time; KefuKBStale fires when it does not come")
	cmd.Flags().DurationVarP(&watch, "watch", "w", 0, "go on, and sync again when the folder changes; looks that often")
	cmd.Flags().Lookup("watch").NoOptDefVal = "2s"
	return cmd
}

// watchFolder syncs whenever the folder has changed and then stood still for
// one look, until ctx ends, and in time for what was promised. What goes wrong is
// said and tried again then.
func (c *cli) watchFolder(ctx context.Context, b *base, req ingest.Request, every time.Duration) error {
	var synced, last ingest.Fingerprint
	var at time.Time // of the last sync
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		now, err := ingest.FingerprintOf(req.Root)
		switch {
		case err != nil:
			c.say("kefu: %s cannot be read: %v", req.Root, err)
		case now != synced && (now == last || synced == ingest.Fingerprint{}), req.Again > 0 && time.Since(at) >= req.Again/2:
			err := c.load(ctx, b, req)
			if err != nil && ctx.Err() == nil {
				c.say("kefu: %s", explain(err))
			}
			var said *desk.Error
			if !errors.As(err, &said) || said.Code != codeRunning { // else again at the next look
				synced, at = now, time.Now()
			}
		}
		last = now
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *cli) kbReleases() *cobra.Command {
	var n int
	cmd := &cobra.Command{
		Use: "releases", Short: "List the releases that can be rolled back to, newest first", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error {
				releases, err := b.db.Documents().Releases(ctx, desk.TenantID(c.tenant), 0, n)
				if err != nil {
					return err
				}
				return c.print(each(releases, newReleaseJSON), func(w io.Writer) {
					table(w, "REVISION\tWHEN\tKIND\tSOURCE\tADDED\tUPDATED\tREMOVED\tBY", func(row func(...any)) {
						for _, r := range releases {
							kind := string(r.Kind)
							if r.Restored != 0 {
								kind += fmt.Sprintf(" to %d", r.Restored)
							}
							row(r.Revision, moment(r.At, "-"), kind, orDash(r.Source), r.Added, r.Updated, r.Removed, orDash(r.Author))
						}
					})
				})
			})
		},
	}
	cmd.Flags().IntVarP(&n, "limit", "l", 20, "how many releases")
	return cmd
}

func (c *cli) kbRollback() *cobra.Command {
	return &cobra.Command{
		Use: "rollback REVISION", Short: "Restore what the knowledge base was at a release",
		Long: `Restores every document as it was at that release, all at once and without
embedding anything. It is a release of its own, so it can be taken back too.`,
		Example: "  kefu kb releases\n  kefu kb rollback 41",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			var to desk.Revision
			if _, err := fmt.Sscanf(given[0]+"\n", "%d\n", &to); err != nil || to < 1 {
				return usageError{fmt.Errorf("%q is no revision; 'kefu kb releases' lists them", given[0])}
			}
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error {
				start := time.Now()
				r, err := b.db.Documents().Rollback(ctx, desk.TenantID(c.tenant), to, thisPerson().Name)
				if err != nil {
					return err
				}
				c.await(ctx, b, r.Revision)
				return c.print(newReleaseJSON(r), func(w io.Writer) {
					if r.Changed() == 0 {
						fmt.Fprintf(w, "nothing has changed since release %d\n", to)
						return
					}
					fmt.Fprintf(w, "rolled back to release %d as revision %d: %d added, %d updated, %d removed, in %s\n",
						to, r.Revision, r.Added, r.Updated, r.Removed, time.Since(start).Round(time.Millisecond))
				})
			})
		},
	}
}
