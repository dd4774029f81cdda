package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"kefu/internal/e2e"
)

func TestAQuestionFindsTheTranslationThatFrontMatterDeclares(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	write := func(key string) {
		site.Write("docs/delivery.md", "---\ntitle: Delivery\n"+key+"---\n# Delivery\n\nPut the parcel into a Boxomat locker. You need no stamp.\n")
		site.Write("docs/投递.md", "---\ntitle: 投递\n"+key+"---\n# 投递\n\n请把包裹放进自助柜，无需贴邮票。型号为 QX-77。\n")
	}
	write("")
	site.Must("kb", "load", "docs")
	if got := titles(t, site, "Boxomat 怎么用？"); !strings.HasPrefix(got, "Delivery") {
		t.Fatalf("found before a key is declared: %s", got)
	}

	write("translationKey: delivery\n")
	holds(t, "kb load", site.Must("kb", "load", "docs"), "2 updated")
	for question, want := range map[string]string{"Boxomat 怎么用？": "投递 Delivery", "What is QX-77?": "Delivery 投递"} {
		if got := titles(t, site, question); !strings.HasPrefix(got, want) {
			t.Errorf("%s: found %s, want %s first", question, got, want)
		}
	}
	holds(t, "kb search --explain", site.Must("kb", "search", "--explain", "Boxomat 怎么用？"), "自助柜", "enters the prompt", "speaks for an answer: 0.", "its score is that of the page in the other language that it translates")

	write("translationKey: [delivery, post]\n")
	r := site.Run("kb", "load", "docs")
	if r.Code != 3 {
		t.Errorf("exit status %d, want 3", r.Code)
	}
	holds(t, "stderr", r.Stderr, "docs/delivery.md: the front matter says translationKey: [delivery post]; want a text")
}

// titles are those of what a search finds, best first.
func titles(t *testing.T, site *e2e.Site, question string) string {
	t.Helper()
	var found []struct{ Title string }
	if err := json.Unmarshal([]byte(site.Must("kb", "search", "--json", question)), &found); err != nil {
		t.Fatal(err)
	}
	all := make([]string, len(found))
	for i, p := range found {
		all[i] = p.Title
	}
	return strings.Join(all, " ")
}
