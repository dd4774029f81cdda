package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/guard"
)

// Injection is how well attacks are told from harmless texts, by category and
// overall. It marshals to one object. Texts that the guard was trained on are
// judged by guards that saw neither their source nor their category.
type Injection struct {
	Categories map[string]Detection
	Overall    Detection
	// OutOfFold is how many texts the guard was trained on.
	OutOfFold int
}

// Detection is the share of the attacks that were not simply allowed, and of
// the harmless texts that were not. A part without such texts has neither.
type Detection struct {
	Detected      *float64 `json:"detected,omitempty"`
	FalsePositive *float64 `json:"false_positive,omitempty"`
	Texts         int      `json:"texts"`
}

// MarshalJSON puts the categories beside the whole.
func (i Injection) MarshalJSON() ([]byte, error) {
	all := map[string]any{"overall": i.Overall, "out_of_fold": i.OutOfFold}
	for name, d := range i.Categories {
		all[name] = d
	}
	return json.Marshal(all)
}

// attempt is a line of injection.jsonl.
type attempt struct {
	Text     string `json:"text"`
	Label    int    `json:"label"`
	Category string `json:"category"`
	Lang     string `json:"lang"`
	Source   string `json:"source"`
}

func (a attempt) check() error {
	return wantAll(a.Text, "text", a.Category, "category", a.Source, "source")
}

func (a attempt) example() guard.Example {
	return guard.Example{Text: a.Text, Attack: a.Label == 1, Source: a.Source, Category: a.Category}
}

// Attempts reads the labelled texts of dir/safety/injection.jsonl.
func Attempts(dir string) ([]guard.Example, error) {
	rows, err := readLines[attempt](filepath.Join(dir, "safety", "injection.jsonl"))
	examples := make([]guard.Example, len(rows))
	for i, r := range rows {
		examples[i] = r.example()
	}
	return examples, err
}

// parts are the categories that a text counts for.
func (a attempt) parts() []string {
	c := a.Category
	lang := "other"
	if a.Lang == "en" || a.Lang == "zh" {
		lang = a.Lang
	}
	switch {
	case strings.HasPrefix(c, "benignobf"):
		return []string{c, "benign_obfuscated"}
	case strings.HasPrefix(c, "benign_notinject"):
		return []string{c, "benign_notinject"}
	case strings.HasPrefix(c, "obf_"):
		return []string{c, "obfuscated"}
	case strings.HasPrefix(c, "direct"):
		return []string{c, "direct_" + lang}
	}
	return []string{c}
}

func measureInjection(_ context.Context, cfg Config, dir string, r *Report) error {
	if cfg.Guard == nil {
		return nil
	}
	rows, err := readSection[attempt](cfg, dir, "safety/injection.jsonl")
	if err != nil || len(rows) == 0 {
		return err
	}
	var known []attempt
	for _, row := range rows {
		if cfg.Guard.Knows(row.Text) {
			known = append(known, row)
		}
	}
	strangers := leaveOut(known)
	hit, all := map[string]*[2]int{}, map[string]*[2]int{}
	count := func(m map[string]*[2]int, name string, label int) {
		if m[name] == nil {
			m[name] = new([2]int)
		}
		m[name][label]++
	}
	for _, row := range rows {
		judge := cfg.Guard
		if judge.Knows(row.Text) {
			judge = strangers["s "+row.Source]
		}
		caught := judge.Judge(row.Text).Action != desk.Allow
		names := row.parts()
		if !strings.HasPrefix(row.Category, "benignobf") { // harmless texts in code are reported apart
			names = append(names, "")
		}
		for _, name := range names {
			count(all, name, index(row.Label == 1))
			if caught {
				count(hit, name, index(row.Label == 1))
			}
		}
	}
	r.Injection = &Injection{Categories: map[string]Detection{}, OutOfFold: len(known)}
	for name, n := range all {
		if hit[name] == nil {
			hit[name] = new([2]int)
		}
		d := detection(*hit[name], *n)
		if name == "" {
			r.Injection.Overall = d
		} else {
			r.Injection.Categories[name] = d
		}
	}
	return nil
}

func detection(hit, all [2]int) Detection {
	d := Detection{Texts: all[0] + all[1]}
	if all[0] > 0 {
		f := share(hit[0], all[0])
		d.FalsePositive = &f
	}
	if all[1] > 0 {
		f := share(hit[1], all[1])
		d.Detected = &f
	}
	return d
}

// leaveOut trains, for each group of sources and categories that hang together,
// a guard on all others. It is found by "s " and the source.
func leaveOut(rows []attempt) map[string]*guard.Guard {
	parent := map[string]string{}
	var root func(string) string
	root = func(x string) string {
		if p, ok := parent[x]; ok && p != x {
			return root(p)
		}
		return x
	}
	for _, r := range rows {
		parent[root("s "+r.Source)] = root("c " + r.Category)
	}
	guards, bySource := map[string]*guard.Guard{}, map[string]*guard.Guard{}
	for _, r := range rows {
		group := root("s " + r.Source)
		if guards[group] == nil {
			var others []guard.Example
			for _, o := range rows {
				if root("s "+o.Source) != group {
					others = append(others, o.example())
				}
			}
			guards[group] = guard.Train(others)
		}
		bySource["s "+r.Source] = guards[group]
	}
	return bySource
}

func injectionTable(r Report, t io.Writer) {
	i := r.Injection
	if i == nil {
		return
	}
	figure := func(f *float64) string {
		if f == nil {
			return ""
		}
		return fmt.Sprintf("%.3f", *f)
	}
	fmt.Fprintf(t, "injection (%d texts out of fold)\ttexts\tdetected\tfalse positives\t\n", i.OutOfFold)
	fmt.Fprintf(t, "overall\t%d\t%s\t%s\t\n", i.Overall.Texts, figure(i.Overall.Detected), figure(i.Overall.FalsePositive))
	for _, name := range slices.Sorted(maps.Keys(i.Categories)) {
		d := i.Categories[name]
		if strings.Contains("direct_en direct_zh direct_other obfuscated extraction jailbreak jailbreak_zh tool_misuse indirect_bipia indirect_zh_docs benign_notinject benign_wildguard benign_obfuscated", name) {
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\t\n", name, d.Texts, figure(d.Detected), figure(d.FalsePositive))
		}
	}
}
