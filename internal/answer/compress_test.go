package answer_test

import (
	"strings"
	"testing"

	"kefu/internal/answer"
	"kefu/internal/desk"
	"kefu/internal/llm"
)

// speed is a passage of which a question about express needs two sentences.
const speed = "Parcels leave our warehouse on working days. Express parcels arrive within two days. Islands wait a day more. The driver rings twice."

func shipping(t *testing.T, how string, reply func(llm.Call) (string, error)) (*shop, *saved) {
	t.Helper()
	spared := &saved{by: map[string]int{}}
	s := open(t, complex, func(c *answer.Config, p *answer.Parts) {
		c.Compress = how
		spared.Observer, p.Observer = p.Observer, spared
	})
	s.model.reply = reply
	s.library.publish("speed", "Parcels", speed)
	s.library.publish("prices", "Prices", "Express parcels cost ten dollars. Standard parcels are free from fifty dollars. Islands pay five dollars more. Gift wrap costs three dollars, and is done by hand.")
	for _, id := range []desk.DocumentID{"speed", "prices"} {
		s.library.mark(id, func(c *desk.Chunk) { c.Tokens = 400 })
	}
	s.catchUp()
	return s, spared
}

// saved is an observer of what prompts were spared.
type saved struct {
	answer.Observer
	by map[string]int
}

func (s *saved) Compressed(by string, tokens int) { s.by[by] += tokens }

// shown is the prompt as a vendor's model reads it.
func shown(c llm.Call) string { return c.Prompt.Messages()[1].Text }

func TestAModelReadsWhatMatters(t *testing.T) {
	const cites = "The driver rings twice [1]."
	for how, want := range map[string]bool{answer.CompressOff: true, answer.CompressExtractive: false} {
		s, spared := shipping(t, how, func(llm.Call) (string, error) { return cites, nil })
		a := s.ask("How fast is express?")
		c := s.model.last()
		if got := strings.Contains(shown(c), "The driver rings twice."); got != want {
			t.Errorf("%s: the driver is in the prompt: %t, want %t", how, got, want)
		}
		if !strings.Contains(shown(c), "Express parcels arrive within two days. Islands wait a day more.") || c.Prompt.Sources[0].Text != speed {
			t.Errorf("%s: prompt = %s", how, shown(c))
		}
		if !a.Grounded { // all of a passage supports what is said
			t.Errorf("%s: answer = %+v", how, a)
		}
		if (spared.by[how] > 0) == want {
			t.Errorf("%s: %v tokens spared", how, spared.by)
		}
	}
}

func TestTheCheapModelPicksWhatMatters(t *testing.T) {
	for name, tt := range map[string]struct {
		picks string
		fails error
		want  string // of the first source
		by    string
	}{
		"word for word":         {"[1]\nIslands wait a day more.\n[2] Gift wrap costs three dollars, and is done by hand.", nil, "\nIslands wait a day more.\n", answer.CompressModel},
		"in other words":        {"[1]\nIslands wait two days.", nil, "Express parcels arrive within two days. Islands wait a day more. …", answer.CompressExtractive},
		"of no source":          {"[7]\nIslands wait a day more.\nParcels", nil, "Express parcels arrive within two days.", answer.CompressExtractive},
		"an answer of its own":  {"Express takes two days [1].", nil, "Express parcels arrive within two days.", answer.CompressExtractive},
		"a model that is away":  {"", &llm.Failure{Kind: llm.Unavailable}, "Express parcels arrive within two days.", answer.CompressExtractive},
		"nothing of any source": {"NO_ANSWER", nil, "Express parcels arrive within two days.", answer.CompressExtractive},
	} {
		t.Run(name, func(t *testing.T) {
			s, spared := shipping(t, answer.CompressModel, func(c llm.Call) (string, error) {
				if c.Purpose == desk.PurposeCompress {
					return tt.picks, tt.fails
				}
				return "Express parcels arrive within two days [1].", nil
			})
			if a := s.ask("How fast is express?"); !a.Grounded {
				t.Errorf("answer = %+v", a)
			}
			calls := s.model.all()
			first := calls[0]
			if len(calls) != 2 || first.Purpose != desk.PurposeCompress || first.Tier != llm.Cheap || first.Stream || !strings.Contains(shown(first), "The driver rings twice.") {
				t.Errorf("calls = %+v, want the cheap model to read all first", calls)
			}
			if got := shown(calls[1]); !strings.Contains(got, strings.TrimSuffix(tt.want, " …")) {
				t.Errorf("prompt = %s\nwant %q", got, tt.want)
			}
			if spared.by[tt.by] == 0 || len(spared.by) != 1 {
				t.Errorf("spared %v, want by %s", spared.by, tt.by)
			}
		})
	}
}

func TestShortSourcesAreNotWorthACall(t *testing.T) {
	s, _ := shipping(t, answer.CompressModel, func(llm.Call) (string, error) { return "Express parcels arrive within two days [1].", nil })
	s.library.remove("prices")
	s.catchUp()
	if s.ask("How fast is express?"); s.model.count() != 1 {
		t.Errorf("%d calls, want that of the answer alone", s.model.count())
	}
}
