package eval_test

import (
	"testing"

	"kefu/internal/eval"
	"kefu/internal/ingest"
)

func TestOurOwnQuestionsAreAskedOfTheSampleKnowledgeBase(t *testing.T) {
	reader := ingest.New(nil, nil, nil, ingest.Config{CacheDir: t.TempDir()})
	defer reader.Close()
	cfg := config()
	cfg.Reader, cfg.Sample = reader, "../../kb"
	dir := folder(t, nil)
	report, err := eval.Run(t.Context(), dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	// The judge was fitted to these questions, so others decide, which hardly
	// know any: only that all were asked is told here.
	if got := report.Unanswerable["sample"]; got.Questions["not_there"] != 50 {
		t.Errorf("sample = %+v, want 50 questions that it does not answer", got)
	}
	examples, err := eval.Evidence(t.Context(), dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	answered, held := 0, 0
	for _, e := range examples {
		if e.Aside && e.Kind == "" {
			answered++
			if e.Evidence.Coverage > 0.5 {
				held++
			}
		}
	}
	if answered < 90 || held < answered/2 {
		t.Errorf("of %d questions that it answers, passages hold the words of %d", answered, held)
	}

	cfg.Sample = "no-such-folder"
	if _, err := eval.Run(t.Context(), dir, cfg); err == nil {
		t.Error("a sample knowledge base that is not there is no error")
	}
}
