package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// replayed is what the tests look at of a replay.
type replayed struct {
	Same, Changed, Failed int
	Results               []struct {
		AnswerID      string `json:"answer_id"`
		Changes       []string
		Error         string
		Before, After struct {
			Outcome, Provider string
			Revision          int
		}
	}
}

func replay(t *testing.T, site *e2e.Site, code int, args ...string) (r replayed) {
	t.Helper()
	done := site.Run(append([]string{"replay", "--json"}, args...)...)
	if done.Code != code {
		t.Fatalf("replay %v = %d, want %d: %s", args, done.Code, code, done.Stderr)
	}
	if err := json.Unmarshal([]byte(done.Stdout), &r); err != nil {
		t.Fatalf("%v: %s", err, done.Stdout)
	}
	return r
}

func TestRecordedQuestionsAreAskedAgainAndCompared(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	server := site.Serve()
	known := server.Ask("How long is the warranty of the Borealis tablet?")
	server.Ask("How long is the warranty of the Borealis tablet?") // from the cache
	gap := server.Ask("Do you repair mechanical typewriters?")
	server.Stop()

	r := replay(t, site, 0)
	if r.Same != 2 || r.Changed+r.Failed != 0 {
		t.Errorf("nothing has changed, yet %+v", r)
	}
	holds(t, "dry run", site.Must("replay", "--dry-run"), known.ID, gap.ID, "typewriters", "abstained")

	site.Write("docs/typewriters.md", "# Typewriters\n\nWe repair mechanical typewriters in our workshop in Hamburg.\n")
	site.Must("kb", "load", "docs")
	r = replay(t, site, 0, "--outcome", "abstained")
	if len(r.Results) != 1 || r.Results[0].AnswerID != gap.ID || r.Results[0].After.Outcome != "answered" ||
		!strings.Contains(strings.Join(r.Results[0].Changes, " "), "citations") || r.Results[0].After.Revision <= r.Results[0].Before.Revision {
		t.Errorf("after a document for it, %+v", r)
	}
	holds(t, "table", site.Must("replay", gap.ID), "changed: [outcome", "before: abstained", "now:    answered")
	if r = replay(t, site, 0, known.ID); r.Same != 1 {
		t.Errorf("what the document says nothing about has changed: %+v", r)
	}
	if again := replay(t, site, 0, "--last", "1000"); len(again.Results) != 2 {
		t.Errorf("a replay was recorded: %+v", again)
	}
}

func TestAReplayTriesAnotherProviderAndSaysWhatFailed(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	server := site.Serve()
	asked := server.Ask("How long is the warranty of the Borealis tablet?")
	e2e.Eventually(t, "the answer is recorded", func() bool {
		return strings.Contains(site.Must("replay", "--dry-run"), asked.ID)
	})
	server.Stop()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	with := site.With(vendor.Env()...)
	with.Must("kb", "load", "docs")
	if r := replay(t, with, 0, "--provider", "openai"); r.Changed != 1 || r.Results[0].Before.Provider != "offline" || r.Results[0].After.Provider != "openai" {
		t.Errorf("with another provider: %+v", r)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--last", "0"}, 2, "want 1 to 1000"},
		{[]string{"--outcome", "error"}, 2, "answered, abstained or degraded"},
		{[]string{asked.ID, "--last", "3"}, 2, "do not go with"},
		{[]string{"ans_none"}, 1, "no such answer"},
		{[]string{"--tenant", "default", "--concurrency", "0"}, 2, "--concurrency 0"},
	} {
		if r := site.Run(append([]string{"replay"}, tt.args...)...); r.Code != tt.code || !strings.Contains(r.Stderr, tt.want) {
			t.Errorf("replay %v = %d %q, want %d with %q", tt.args, r.Code, r.Stderr, tt.code, tt.want)
		}
	}
}

// The settings are those of now: they may refuse what was asked then.
func TestAReplayInWhichAQuestionCouldNotBeAskedExitsWith3(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	server := site.Serve()
	short := server.Ask("Is the lamp new?")
	long := server.Ask("How long is the warranty of the Borealis tablet, " + strings.Repeat("really, ", 20) + "in months?")
	server.Stop()
	strict := site.With("KEFU_QUESTION_MAX_CHARACTERS=100")
	r := replay(t, strict, 3)
	if r.Same != 1 || r.Failed != 1 || r.Changed != 0 || len(r.Results) != 2 {
		t.Fatalf("%+v, want one the same and one that failed", r)
	}
	for _, one := range r.Results {
		if failed := one.AnswerID == long.ID; failed != (one.Error != "") || !failed && one.AnswerID != short.ID {
			t.Errorf("%+v, want an error for the long question alone", one)
		}
	}
	done := strict.Run("replay")
	holds(t, "the table", done.Stdout, "failed", "question_too_long")
	holds(t, "stderr", done.Stderr, "1 question could not be asked")
	if done.Code != 3 {
		t.Errorf("exit status %d, want 3", done.Code)
	}
}
