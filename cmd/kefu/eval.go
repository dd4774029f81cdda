package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kefu/internal/abstain"
	"kefu/internal/desk"
	"kefu/internal/eval"
	"kefu/internal/eval/page"
	"kefu/internal/guard"
	"kefu/internal/ingest"
	"kefu/internal/llm/offline"
	"kefu/internal/mask"
	"kefu/internal/retrieval"
	"kefu/internal/route"
)

// evalFlags are those of 'kefu eval'.
type evalFlags struct {
	dir, broken, set  string
	sample            string
	out, html, floors string
	provider, model   string
	concurrency       int
	compare           bool
}

func (c *cli) evalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use: "eval", Short: "Measure answers to your own questions, or quality on labelled data",
		Long: `With --set, puts your own questions to this Kefu, with its settings and its
knowledge base, and marks the search, the citations, when it admits not to know,
route, cache, latency and cost. Each line of a JSONL file, or of all of a folder:

  {"question": "…", "document": "docs/returns.md"}     should be cited (also "documents": […])
  {"question": "…", "text": "within 30 days"}          stands in a passage that is to be found
  {"question": "…", "answer": "30 days"}               should be in the answer
  {"question": "…", "answer": null}                    has no answer: Kefu should not know

A document goes by its id, path, address or title. Every question is asked twice,
the second time for the cache, which is the command's own. Nothing is recorded but
what the models cost. --provider and --model choose who answers.

--compare shows two such measurements side by side, with every question that was
not treated alike: two files that --out wrote, or with --set two configurations.

With --dir, measures the search, router, masker, guard and file reader of the
product, with the offline embedder, on a folder of labelled texts:

  retrieval/<set>/corpus.jsonl, queries.jsonl, qrels.tsv
  router.jsonl, pairs.jsonl, unanswerable.jsonl
  safety/pii.jsonl, safety/secrets.jsonl, safety/injection.jsonl
  documents/index.json and the files it names

Prints a table, writes the figures as JSON (--out) and as a page with charts
(--html). With --floors, a JSON file of the same shape, a figure below its floor
is an error: a gate for CI. {"max": 0.01} in the place of a figure is a ceiling.`,
		Example: "  kefu eval --set questions.jsonl --out now.json --html now.html\n  kefu eval --set questions.jsonl --provider anthropic\n  kefu eval --compare before.json now.json --html difference.html\n  kefu eval --set questions.jsonl --compare kefu.yaml candidate.yaml\n  kefu eval --dir ../shared/eval --out eval.json",
		Args: args(func(cmd *cobra.Command, given []string) error {
			if f.compare {
				return cobra.ExactArgs(2)(cmd, given)
			}
			return cobra.NoArgs(cmd, given)
		}),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			switch {
			case f.compare:
				return c.compareEvals(cmd.Context(), f, given)
			case f.set != "":
				return c.evalOwn(cmd.Context(), f)
			}
			return c.evalLabelled(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.set, "set", "", "JSONL file of your own questions, or a folder of such files")
	flags.StringVar(&f.provider, "provider", "", "answer the questions of --set with this provider's models")
	flags.StringVar(&f.model, "model", "", "answer the questions of --set with this model")
	flags.IntVar(&f.concurrency, "concurrency", 4, "questions of --set asked at a time")
	flags.StringVar(&c.tenant, "tenant", string(desk.DefaultTenant), "whose knowledge base the questions of --set are put to")
	flags.BoolVar(&f.compare, "compare", false, "compare two reports, or with --set two configurations, that are named as arguments")
	flags.StringVar(&f.dir, "dir", "", "folder of labelled questions")
	flags.StringVar(&f.broken, "broken", "", "with --dir: folder of broken and hostile files, with an index.json")
	flags.StringVar(&f.sample, "sample", "", "with --dir: folder of the sample knowledge base, to ask this project's own questions of")
	flags.StringVar(&f.out, "out", "", "write the figures to this file, as JSON")
	flags.StringVar(&f.html, "html", "", "write them to this file too, as a page with charts")
	flags.StringVar(&f.floors, "floors", "", "JSON file of figures that must be reached")
	return cmd
}

func (f evalFlags) check(cmd *cobra.Command) error {
	chosen := cmd.Flags().Changed
	switch {
	case f.dir == "" && f.set == "" && !f.compare:
		return usageError{errors.New("--set, a file of your own questions, --dir, a folder of labelled data, or --compare is needed; see 'kefu eval --help'")}
	case f.dir != "" && (f.set != "" || f.compare):
		return usageError{errors.New("--dir goes with neither --set nor --compare")}
	case f.set == "" && (f.provider != "" || f.model != "" || chosen("concurrency") || chosen("tenant")):
		return usageError{errors.New("--provider, --model, --concurrency and --tenant go with --set")}
	case f.concurrency < 1 || f.concurrency > maxConcurrency:
		return usageError{fmt.Errorf("--concurrency %d: want 1 to %d", f.concurrency, maxConcurrency)}
	case (f.broken != "" || f.sample != "") && f.dir == "":
		return usageError{errors.New("--broken and --sample go with --dir")}
	case f.compare && f.floors != "":
		return usageError{errors.New("--floors does not go with --compare")}
	}
	return nil
}

// evalLabelled measures on labelled data.
func (c *cli) evalLabelled(ctx context.Context, f evalFlags) error {
	cache, err := os.MkdirTemp("", "kefu-eval-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	reader := ingest.New(nil, nil, nil, ingest.Config{CacheDir: cache})
	defer reader.Close()
	report, err := eval.Run(ctx, f.dir, eval.Config{
		Embedder: offline.NewEmbedder(), Retrieval: retrieval.DefaultConfig(), Abstain: abstain.Default,
		Router: route.New(), Train: func(examples []route.Example) eval.Router { return route.Train(examples) },
		Quoter: offline.New(), Masker: mask.New(), Guard: guard.New(), Reader: reader, Broken: f.broken, Sample: f.sample,
		Progress: func(line string) { c.say("%s", line) },
	})
	if err != nil {
		return err
	}
	return c.showEval(f, report)
}

// evalReport is what each kind of measurement ends in.
type evalReport interface {
	Table(w io.Writer) error
	Page() page.Page
}

// showEval writes and prints a report, and holds it against the floors.
func (c *cli) showEval(f evalFlags, report evalReport) error {
	if err := writeReport(f.out, report); err != nil {
		return err
	}
	if err := writePage(f.html, report.Page()); err != nil {
		return err
	}
	var failed error
	if f.floors != "" {
		failed = belowFloors(f.floors, report)
	}
	return errors.Join(c.print(report, func(w io.Writer) { _ = report.Table(w) }), failed)
}

func writePage(path string, p page.Page) error {
	if path == "" {
		return nil
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func writeReport(path string, r evalReport) error {
	if path == "" {
		return nil
	}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// belowFloors compares the report with a file that holds, in the same shape,
// the figures that must be reached.
func belowFloors(path string, r evalReport) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return usageError{err}
	}
	var want map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		return usageError{fmt.Errorf("%s: %w", path, err)}
	}
	raw, err = json.Marshal(r)
	if err != nil {
		return err
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		return err
	}
	var missed []string
	compare("", want, got, &missed)
	if len(missed) > 0 {
		return fmt.Errorf("below the floors of %s:\n  %s", path, strings.Join(missed, "\n  "))
	}
	return nil
}

func compare(path string, want, got any, missed *[]string) {
	switch w := want.(type) {
	case map[string]any:
		if ceiling, ok := w["max"].(float64); ok && len(w) == 1 {
			exceeds(path, ceiling, got, missed)
			return
		}
		g, _ := got.(map[string]any)
		for key, value := range w {
			compare(strings.TrimPrefix(path+"."+key, "."), value, g[key], missed)
		}
	case float64:
		g, measured := got.(float64)
		switch {
		case !measured:
			*missed = append(*missed, path+" was not measured")
		case g < w:
			*missed = append(*missed, fmt.Sprintf("%s = %.4f, want at least %.4f", path, g, w))
		}
	}
}

func exceeds(path string, ceiling float64, got any, missed *[]string) {
	g, measured := got.(float64)
	switch {
	case !measured:
		*missed = append(*missed, path+" was not measured")
	case g > ceiling:
		*missed = append(*missed, fmt.Sprintf("%s = %.4f, want at most %.4f", path, g, ceiling))
	}
}
