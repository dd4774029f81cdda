package eval

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"kefu/internal/mask"
)

// inData are the names that the data has for the masker's types; the others
// are the same.
var inData = map[mask.Type]string{mask.Card: "CREDIT_CARD", mask.Passport: "PASSPORT_CN", mask.SSN: "US_SSN", mask.ITIN: "US_ITIN"}

func named(t mask.Type) string { return cmp.Or(inData[t], string(t)) }

// Privacy is the quality of masking. It marshals to one object with a member
// for each type and "pooled", "negatives_altered".
type Privacy struct {
	Types map[string]Found
	// Pooled are the types with fewer than 30 cases together.
	Pooled Found
	// NegativesAltered is the share of texts without personal data in which
	// something was masked.
	NegativesAltered float64
	Negatives        int
}

// Found is the quality of masking on one type. A case is found when a finding
// of its type overlaps it.
type Found struct {
	Recall    float64 `json:"recall"`
	Precision float64 `json:"precision"`
	Cases     int     `json:"cases"`
}

// Secrets is the quality of finding credentials, in shares of the texts.
type Secrets struct {
	Detected      float64 `json:"detected"`
	FalsePositive float64 `json:"false_positive"`
	Cases         int     `json:"cases"` // that hold one
}

// MarshalJSON puts the types beside the rest.
func (p Privacy) MarshalJSON() ([]byte, error) {
	all := map[string]any{"negatives_altered": p.NegativesAltered, "negatives": p.Negatives, "pooled": p.Pooled}
	for name, found := range p.Types {
		all[name] = found
	}
	return json.Marshal(all)
}

// personal is a line of pii.jsonl; offsets count characters.
type personal struct {
	Text  string   `json:"text"`
	Label int      `json:"label"`
	Spans []labels `json:"spans"`
}

// labels is one span: [start, end, type].
type labels struct {
	start, end int
	kind       string
}

func (l *labels) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[]any{&l.start, &l.end, &l.kind})
}

func (p personal) check() error {
	n := utf8.RuneCountInString(p.Text)
	for _, s := range p.Spans {
		if s.start < 0 || s.end > n || s.start >= s.end {
			return fmt.Errorf("span %d–%d is not within the %d characters", s.start, s.end, n)
		}
	}
	return wantAll(p.Text, "text")
}

// credential is a line of secrets.jsonl.
type credential struct {
	Text  []byte `json:"text_b64"`
	Label int    `json:"label"`
}

func (c credential) check() error {
	if len(c.Text) == 0 {
		return errors.New("text_b64 is missing")
	}
	return nil
}

// fewCases is below how many cases the types are pooled.
const fewCases = 30

// marks are the counts of one type.
type marks struct{ cases, hit, found, right int }

func (t marks) plus(u marks) marks {
	return marks{t.cases + u.cases, t.hit + u.hit, t.found + u.found, t.right + u.right}
}

func (t marks) scores() Found {
	return Found{Recall: share(t.hit, t.cases), Precision: share(t.right, t.found), Cases: t.cases}
}

// share is n of all, 1 of none.
func share(n, all int) float64 {
	if all == 0 {
		return 1
	}
	return round(float64(n) / float64(all))
}

// personalData measures the masker on personal data.
func personalData(m *mask.Masker, rows []personal) Privacy {
	types := map[string]marks{}
	negatives, altered := 0, 0
	for _, row := range rows {
		found := m.Find(row.Text)
		if row.Label == 0 {
			negatives++
			if len(found) > 0 {
				altered++
			}
		}
		count(types, row, found)
	}
	p := Privacy{Types: map[string]Found{}, NegativesAltered: share(altered, negatives), Negatives: negatives}
	var pool marks
	for name, t := range types {
		p.Types[name] = t.scores()
		if t.cases < fewCases {
			pool = pool.plus(t)
		}
	}
	maps.DeleteFunc(p.Types, func(_ string, f Found) bool { return f.Cases == 0 && f.Precision == 1 })
	p.Pooled = pool.scores()
	return p
}

func count(types map[string]marks, row personal, found []mask.Span) {
	at := make(map[int]int, len(row.Text)) // byte → character
	n := 0
	for i := range row.Text {
		at[i] = n
		n++
	}
	at[len(row.Text)] = n
	overlaps := func(f mask.Span, l labels) bool {
		return named(f.Type) == l.kind && at[f.Start] < l.end && l.start < at[f.End]
	}
	for _, l := range row.Spans {
		t := types[l.kind]
		t.cases++
		for _, f := range found {
			if overlaps(f, l) {
				t.hit++
				break
			}
		}
		types[l.kind] = t
	}
	for _, f := range found {
		t := types[named(f.Type)]
		t.found++
		for _, l := range row.Spans {
			if overlaps(f, l) {
				t.right++
				break
			}
		}
		types[named(f.Type)] = t
	}
}

// secrets measures the masker on credentials.
func secrets(m *mask.Masker, rows []credential) Secrets {
	var texts, marked [2]int
	for _, row := range rows {
		label := index(row.Label == 1)
		texts[label]++
		for _, f := range m.Find(string(row.Text)) {
			if f.Type == mask.Secret {
				marked[label]++
				break
			}
		}
	}
	return Secrets{Detected: share(marked[1], texts[1]), FalsePositive: share(marked[0], texts[0]), Cases: texts[1]}
}

func measurePrivacy(_ context.Context, cfg Config, dir string, r *Report) error {
	if cfg.Masker == nil {
		return nil
	}
	people, err := readSection[personal](cfg, dir, "safety/pii.jsonl")
	if err != nil {
		return err
	}
	if len(people) > 0 {
		p := personalData(cfg.Masker, people)
		r.Privacy = &p
	}
	keys, err := readSection[credential](cfg, dir, "safety/secrets.jsonl")
	if len(keys) > 0 && err == nil {
		s := secrets(cfg.Masker, keys)
		r.Secrets = &s
	}
	return err
}

func privacyTable(r Report, t io.Writer) {
	if p := r.Privacy; p != nil {
		fmt.Fprintln(t, "personal data\tcases\trecall\tprecision\t")
		for _, name := range slices.Sorted(maps.Keys(p.Types)) {
			fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t\n", name, p.Types[name].Cases, p.Types[name].Recall, p.Types[name].Precision)
		}
		fmt.Fprintf(t, "rare types together\t%d\t%.3f\t%.3f\t\n", p.Pooled.Cases, p.Pooled.Recall, p.Pooled.Precision)
		fmt.Fprintf(t, "texts without any\t%d\t%.3f altered\t\t\n", p.Negatives, p.NegativesAltered)
	}
	if s := r.Secrets; s != nil {
		fmt.Fprintf(t, "credentials\t%d\t%.3f\t%.3f of others\t\n", s.Cases, s.Detected, s.FalsePositive)
	}
}
