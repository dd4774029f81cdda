package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"kefu/internal/desk"
	"kefu/internal/ingest"
	"kefu/internal/ingest/sitemap"
)

func (c *cli) kbCommand() *cobra.Command {
	kb := &cobra.Command{
		Use: "kb", Short: "Load, look at and remove what Kefu knows",
		Long: `The knowledge base is what answers are made of. Changes are served by every
running server at once; cached answers that they touch are dropped.`,
	}
	kb.PersistentFlags().StringVar(&c.tenant, "tenant", string(desk.DefaultTenant), "whose knowledge base")
	return group(kb, c.kbLoad(), c.kbSync(), c.kbReleases(), c.kbRollback(), c.kbList(), c.kbShow(), c.kbSearch(), c.kbRemove(), c.kbStatus(), c.kbGaps())
}

// acknowledged is how long a change waits for the servers that are running.
const acknowledged = 10 * time.Second

func (c *cli) kbLoad() *cobra.Command {
	var req ingest.Request
	cmd := &cobra.Command{
		Use: "load PATH|URL…", Short: "Load files, folders and pages",
		Long: `Loads Markdown, HTML, text, PDF and Word (.docx) files, and CSV or JSONL files of
question–answer pairs, in UTF-8, UTF-16, GB18030 or Big5. An address is read from
the web, that of a sitemap (ending in .xml) with all its pages on the same host.
Unchanged documents are skipped, so loading again is cheap and safe. A file that
cannot be loaded is named and the rest is loaded; the exit status is then 3.`,
		Example: "  kefu kb load docs/ faq.csv\n  kefu kb load --dry-run docs/\n  kefu kb load https://help.example.com/sitemap.xml",
		Args:    args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, paths []string) error {
			if err := checkLoad(paths, req.MaxPages); err != nil {
				return err
			}
			req.Paths = paths
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error { return c.load(ctx, b, req) })
		},
	}
	cmd.Flags().StringVar(&req.Source, "source", ingest.DefaultSource, "name of the load that the documents belong to")
	maxPagesFlag(cmd, &req)
	cmd.Flags().BoolVarP(&req.DryRun, "dry-run", "n", false, "say what would change and show the chunks, change nothing")
	return cmd
}

func maxPagesFlag(cmd *cobra.Command, req *ingest.Request) {
	cmd.Flags().IntVar(&req.MaxPages, "max-pages", ingest.DefaultMaxPages, "how many pages of sitemaps are read")
}

// checkLoad refuses, beside bad flags, an empty path: that of a variable that is
// not set would be the working directory.
func checkLoad(paths []string, pages int) error {
	switch {
	case slices.Contains(paths, ""):
		return usageError{errors.New("an empty path names nothing; write . for the working directory")}
	case pages < 1 || pages > sitemap.MaxEntries:
		return usageError{fmt.Errorf("--max-pages %d: want 1 to %d", pages, sitemap.MaxEntries)}
	}
	return nil
}

// load brings documents in and says what became of them.
func (c *cli) load(ctx context.Context, b *base, req ingest.Request) error {
	req.Author = thisPerson().Name
	var preview []previewJSON
	if req.DryRun {
		preview = []previewJSON{}
		req.Preview = func(p desk.Prepared, o ingest.Outcome) {
			switch {
			case !req.Exact:
				preview = append(preview, newPreviewJSON(p, o))
			case o != ingest.Unchanged: // of a sync, what changes is the question
				preview = append(preview, previewJSON{describedJSON: newDescribedJSON(p.Document), Outcome: o})
			}
		}
	}
	step, done := c.progress("loading")
	report, err := b.loader.Load(ctx, desk.TenantID(c.tenant), req, step)
	done()
	if report.Revision != 0 {
		c.await(ctx, b, report.Revision)
	}
	if err != nil && report.Revision == 0 {
		return err // nothing became of them
	}
	return errors.Join(err, c.reportLoad(report, req.DryRun, preview))
}

// codeRunning is the code of a load that another one keeps out.
const codeRunning = "sync_running"

// await returns when every running server serves the revision.
func (c *cli) await(ctx context.Context, b *base, rev desk.Revision) {
	ctx, cancel := context.WithTimeout(ctx, acknowledged)
	defer cancel()
	if err := b.db.Documents().WaitAcknowledged(ctx, rev); err != nil {
		c.say("published as revision %d; not every running server has taken it over yet", rev)
	}
}

func (c *cli) reportLoad(r ingest.Report, dry bool, preview []previewJSON) error {
	err := c.print(newLoadJSON(r, dry, preview), func(w io.Writer) {
		showPreview(w, preview)
		verb := ""
		if dry {
			verb = "would be "
		}
		removed := ""
		if r.Removed > 0 {
			removed = fmt.Sprintf(", %d removed", r.Removed)
		}
		fmt.Fprintf(w, "%s%d added, %d updated, %d unchanged%s, %d failed; %s, %d embedded, in %s\n", verb, r.Added, r.Updated, r.Unchanged,
			removed, len(r.Failed), plural(r.Chunks, "chunk"), r.Embedded, r.Elapsed.Round(time.Millisecond))
		if r.Unembedded > 0 {
			fmt.Fprintf(w, "%s without an embedding, because the embedder does not answer: they are found by their words, and a running server embeds them later\n", plural(r.Unembedded, "chunk"))
		}
		for _, f := range r.Flagged {
			fmt.Fprintf(w, "flagged: %s\n", oneLine(flagged(f.Path, f.Rule, f.Chunks)))
		}
	})
	for _, f := range r.Failed {
		fmt.Fprintf(c.stderr, "kefu: %s\n", oneLine(f.Error()))
	}
	if err == nil && len(r.Failed) > 0 {
		return partialError{fmt.Errorf("%s could not be loaded", plural(len(r.Failed), "file"))}
	}
	return err
}

// flagged says what the guard suspects, and what follows.
func flagged(path, rule string, chunks int) string {
	return fmt.Sprintf("%s: %s may speak to the assistant (%s); what rests on it is answered with care, 'kefu kb show' shows it", path, plural(chunks, "chunk"), rule)
}

func (c *cli) kbList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the documents", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error {
				docs, err := b.db.Documents().List(ctx, desk.TenantID(c.tenant))
				if err != nil {
					return err
				}
				intake, err := b.db.Documents().Intake(ctx, desk.TenantID(c.tenant))
				if err != nil {
					return err
				}
				return c.print(newListJSON(docs, intake), func(w io.Writer) {
					table(w, "ID\tLANG\tKIND\tCHUNKS\tUPDATED\tSTATUS\tFLAG\tTITLE\tFROM", func(row func(...any)) {
						for _, d := range newListJSON(docs, intake) {
							row(orDash(d.ID), orDash(d.Lang), orDash(d.Kind), d.Chunks, moment(d.UpdatedAt, "-"), d.Status, orDash(d.Flag), orDash(d.Title), d.Source+": "+d.Path)
						}
					})
					for _, f := range intake {
						if f.State == desk.Failed {
							fmt.Fprintf(w, "failed: %s: %s (%s)\n", oneLine(f.Path), f.Reason, f.Code)
						}
					}
				})
			})
		},
	}
}

func (c *cli) kbShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a document and its chunks", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error {
				doc, chunks, err := b.db.Documents().Get(ctx, desk.TenantID(c.tenant), desk.DocumentID(ids[0]))
				if said, ok := errors.AsType[*desk.Error](err); ok && said.Kind == desk.NotFound {
					return noDocument(ids[0])
				}
				if err != nil {
					return err
				}
				return c.print(shownJSON{newDocumentJSON(doc), each(chunks, newChunkJSON)}, func(w io.Writer) {
					fmt.Fprintf(w, "%s\n%s, %s, %s, revision %d, %s\n%s\n", oneLine(doc.Title), doc.ID, doc.Lang, doc.Kind, doc.Revision,
						doc.UpdatedAt.Local().Format(time.DateTime), doc.URL)
					for _, ch := range chunks {
						fmt.Fprintf(w, "\n— %d · %s (%d tokens)\n", ch.Ordinal, oneLine(ch.Heading), ch.Tokens)
						if ch.Flag != "" {
							fmt.Fprintf(w, "flagged: it may speak to the assistant (%s)\n", ch.Flag)
						}
						if ch.Question != "" {
							fmt.Fprintf(w, "Q: %s\nA: ", ch.Question)
						}
						fmt.Fprintln(w, ch.Text)
					}
				})
			})
		},
	}
}

// noDocument names the id, which the error of the API keeps to itself.
func noDocument(id string) error {
	return fmt.Errorf("there is no document %q; 'kefu kb list' lists them", id)
}

func (c *cli) kbRemove() *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use: "rm ID…", Short: "Remove documents", Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error {
				docs, err := b.db.Documents().List(ctx, desk.TenantID(c.tenant))
				if err != nil {
					return err
				}
				var ids []desk.DocumentID
				var unknown error
				for _, id := range given {
					if !slices.ContainsFunc(docs, func(d desk.Document) bool { return string(d.ID) == id }) {
						unknown = partialError{noDocument(id)}
						continue
					}
					ids = append(ids, desk.DocumentID(id))
				}
				if len(ids) == 0 {
					return errors.Unwrap(unknown)
				}
				if !dry {
					release, err := b.loader.Remove(ctx, desk.TenantID(c.tenant), thisPerson().Name, ids)
					if err != nil {
						return err
					}
					c.await(ctx, b, release.Revision)
				}
				err = c.print(map[string]any{"removed": ids, "dry_run": dry}, func(w io.Writer) {
					verb := ""
					if dry {
						verb = "would be "
					}
					fmt.Fprintf(w, "%s %sremoved\n", plural(len(ids), "document"), verb)
				})
				return errors.Join(err, unknown)
			})
		},
	}
	cmd.Flags().BoolVarP(&dry, "dry-run", "n", false, "say what would be removed, remove nothing")
	return cmd
}

func (c *cli) kbStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say how much is known, and by which embedder", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withBase(cmd.Context(), func(ctx context.Context, b *base) error {
				s, err := b.db.Documents().Status(ctx, desk.TenantID(c.tenant))
				if err != nil {
					return err
				}
				intake, err := b.db.Documents().Intake(ctx, desk.TenantID(c.tenant))
				if err != nil {
					return err
				}
				status := newStatusJSON(s, b.db.Name(), b.embedder.Model(), intake)
				return c.print(status, func(w io.Writer) {
					fmt.Fprintf(w, "database    %s\nrevision    %d\ndocuments   %d (%d en, %d zh)\nchunks      %d\n",
						b.db.Name(), s.Revision, s.Documents, s.Langs[desk.English], s.Langs[desk.Chinese], s.Chunks)
					if s.Flagged > 0 {
						fmt.Fprintf(w, "flagged     %s; 'kefu kb list' names them\n", plural(s.Flagged, "document"))
					}
					if !s.UpdatedAt.IsZero() {
						fmt.Fprintf(w, "updated     %s\n", s.UpdatedAt.Local().Format(time.DateTime))
					}
					fmt.Fprintf(w, "embedder    %s: %d of %d chunks embedded\n", b.embedder.Model(), s.Models[b.embedder.Model()], s.Chunks)
					for model, n := range s.Models {
						if model != b.embedder.Model() {
							fmt.Fprintf(w, "            %s: %d chunks, not in use\n", model, n)
						}
					}
					for _, state := range []desk.IntakeState{desk.Queued, desk.Extracting, desk.Embedding, desk.Ready, desk.Failed} {
						if n := status.Intake[state]; n > 0 {
							fmt.Fprintf(w, "%-11s %s; 'kefu kb list' names them\n", state, plural(n, "file"))
						}
					}
				})
			})
		},
	}
}
