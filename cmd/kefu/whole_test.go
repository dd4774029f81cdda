package main_test

import (
	"fmt"
	"regexp"
	"sync"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

var weight = regexp.MustCompile(`(\d+) grams`)

// Two documents change together, again and again, while questions are asked that
// both answer, of a provider that takes its time.
func TestNoAnswerMixesTwoReleases(t *testing.T) {
	t.Parallel()
	const releases, askers, questions = 15, 4, 60
	vendor := e2e.NewVendor(t, llmsim.Config{})
	vendor.Behave(slowVendor(t, "uniform:5ms-80ms"))
	site := newShop(t, append(vendor.Env(), "KEFU_KNOWLEDGE_PATH=none")...)
	publish := func(release int) {
		for file, thing := range map[string]string{"lamp": "Aurora lamp", "tablet": "Borealis tablet"} {
			site.Write("weights/"+file+".md", fmt.Sprintf("# %s\n\nThe %[1]s weighs %d grams.\n", thing, 1000+release))
		}
		site.Must("kb", "sync", "weights", "--source", "weights")
	}
	publish(0)
	server := site.Serve()

	done := make(chan struct{})
	var asking sync.WaitGroup
	var mu sync.Mutex
	whole := map[string]int{} // answers with both weights, by weight
	for asker := range askers {
		asking.Go(func() {
			for n := asker; ; n += askers {
				select {
				case <-done:
					return
				default:
				}
				a := server.Ask(fmt.Sprintf("How much does the Aurora lamp weigh, and how much does the Borealis tablet weigh? (%d)", n%questions))
				said := weight.FindAllStringSubmatch(a.Answer, -1)
				if len(said) != 2 {
					continue
				}
				if said[0][1] != said[1][1] {
					t.Errorf("two releases in one answer: %s", a.Answer)
				}
				mu.Lock()
				whole[said[0][1]]++
				mu.Unlock()
			}
		})
	}
	for release := 1; release <= releases; release++ {
		publish(release)
	}
	close(done)
	asking.Wait()
	t.Logf("answers with both weights, by weight: %v", whole)
	if len(whole) < releases/2 {
		t.Errorf("of %d releases only %d were answered from with both documents", releases, len(whole))
	}
	server.Stop()
	healthy(t, server.Log)
}
