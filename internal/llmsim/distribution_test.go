package llmsim

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func TestDistributionDrawsWhatItSays(t *testing.T) {
	tests := []struct {
		text         string
		p50, p99     time.Duration
		least, most  time.Duration
		tolerance    float64
		wantCanonial string
	}{
		{"fixed:50ms", 50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond, 0, "fixed:50ms"},
		{"uniform:20ms-80ms", 50 * time.Millisecond, 79400 * time.Microsecond, 20 * time.Millisecond, 80 * time.Millisecond, 0.05, "uniform:20ms-80ms"},
		{"lognormal:400ms:2s", 400 * time.Millisecond, 2 * time.Second, 0, maxDuration, 0.15, "lognormal:400ms:2s"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			d, err := ParseDistribution(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			drawn := make([]time.Duration, 20000)
			for i := range drawn {
				drawn[i] = d.Draw()
			}
			slices.Sort(drawn)
			near := func(got, want time.Duration) bool {
				return float64((got - want).Abs()) <= tt.tolerance*float64(want)
			}
			if p50, p99 := drawn[10000], drawn[19800]; !near(p50, tt.p50) || !near(p99, tt.p99) {
				t.Errorf("p50, p99 = %s, %s; want about %s, %s", p50, p99, tt.p50, tt.p99)
			}
			if drawn[0] < tt.least || drawn[len(drawn)-1] > tt.most {
				t.Errorf("range = %s to %s, want within %s to %s", drawn[0], drawn[len(drawn)-1], tt.least, tt.most)
			}
			if d.String() != tt.wantCanonial {
				t.Errorf("text = %s, want %s", d, tt.wantCanonial)
			}
		})
	}
}

func TestDistributionRefusesNonsense(t *testing.T) {
	for _, text := range []string{"", "50ms", "fixed:", "fixed:-1s", "fixed:1h", "uniform:80ms-20ms", "uniform:20ms", "lognormal:0s:1s", "lognormal:1s", "gamma:1s"} {
		if _, err := ParseDistribution(text); err == nil || !strings.Contains(err.Error(), "distribution") {
			t.Errorf("ParseDistribution(%q) error = %v, want one", text, err)
		}
	}
}

func TestFailuresRoundTrip(t *testing.T) {
	var f Failures
	if err := f.Set("500:0.05, 429:0.1,insufficient_quota:0.01"); err != nil {
		t.Fatal(err)
	}
	if got, want := f.String(), "429:0.1,500:0.05,insufficient_quota:0.01"; got != want {
		t.Errorf("text = %s, want %s", got, want)
	}
	for _, bad := range []string{"429", "429:x", "99:0.1", "nonsense:0.1"} {
		if err := new(Failures).Set(bad); err == nil {
			t.Errorf("Set(%q) was accepted", bad)
		}
	}
}

func TestTokensJoinToTheText(t *testing.T) {
	joins := func(s string) bool {
		var joined strings.Builder
		for rest := s; rest != ""; {
			n := nextToken(rest)
			if n <= 0 || n > len(rest) {
				return false
			}
			joined.WriteString(rest[:n])
			rest = rest[n:]
		}
		return joined.String() == s
	}
	if err := quick.Check(joins, nil); err != nil {
		t.Error(err)
	}
	if got := countTokens("You can return it: 商品签收后30天内。"); got != 10 {
		t.Errorf("tokens = %d, want 10", got)
	}
}

func FuzzReadPrompt(f *testing.F) {
	f.Add("[1] A sentence. Another one.\n\nQuestion: what?")
	f.Add("<<<x\n[12] 一句话。2. 第二\n>>>x\n问题：什么？")
	f.Add("[1]\n[2] - a\n1. b\n[")
	f.Fuzz(func(t *testing.T, text string) {
		p := readPrompt([]message{{Role: "system", Content: content(text)}, {Role: "user", Content: content(text)}})
		if !strings.Contains(text, p.question) {
			t.Errorf("question %q is not part of the prompt", p.question)
		}
		for _, s := range p.sources {
			for sentence := range sentences(s.text) {
				if !strings.Contains(text, sentence) {
					t.Errorf("sentence %q is not part of the prompt", sentence)
				}
			}
		}
		compose(Faithful, p)
	})
}
