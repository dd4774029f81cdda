package retrieval_test

import (
	"slices"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

// page makes the passages of a document at a path.
func page(path string, texts ...string) []retrieval.Item {
	items := make([]retrieval.Item, len(texts))
	for i, text := range texts {
		items[i] = item(path, i, 1, text)
		items[i].Origin = "docs/" + path
	}
	return items
}

func TestAQuestionFindsTheTranslationOfWhatItMatches(t *testing.T) {
	for _, tt := range []struct{ name, english, chinese string }{
		{"a name beside it", "returns.md", "returns.zh.md"},
		{"both named", "returns.en.md", "returns.zh-CN.md"},
		{"a folder for each language", "en/returns.md", "zh/returns.md"},
		{"folders above others", "help/en/a/returns.md", "help/zh_CN/a/returns.html"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ix := index(t, slices.Concat(
				page(tt.english, "Returns are free within 30 days.", "Keep the box.", "Scan the label with Parcelino."),
				page(tt.chinese, "三十天内免费退货。", "请保留包装。", "请扫描面单。"),
				page("other.md", "Lamps are blue."))...)
			found, err := ix.Search(t.Context(), retrieval.Query{Text: "Parcelino 怎么用", Lang: desk.Chinese, K: 5})
			if err != nil {
				t.Fatal(err)
			}
			want := []desk.ChunkID{desk.ChunkID(tt.chinese + "#2"), desk.ChunkID(tt.english + "#2")}
			if !slices.Equal(ids(found), want) {
				t.Errorf("found %v, want the translation and then the page: %v", ids(found), want)
			}
			q := retrieval.Query{Text: "Parcelino 怎么用", Lang: desk.Chinese}
			if e := ix.Evidence(q, found); e != ix.Evidence(q, found[1:]) || e.Coverage == 0 {
				t.Errorf("the translation is weighed by its own words: %+v", e)
			}
			one, err := ix.Search(t.Context(), retrieval.Query{Text: "Parcelino 怎么用", Lang: desk.Chinese, K: 1})
			if err != nil || !slices.Equal(ids(one), want[:1]) {
				t.Errorf("the best is %v, %v", ids(one), err)
			}
		})
	}
}

func TestADeclaredKeyTellsTheTranslationAndThePathNoLonger(t *testing.T) {
	keyed := func(key string, items []retrieval.Item) []retrieval.Item {
		for i := range items {
			items[i].TranslationKey = key
		}
		return items
	}
	ix := index(t, slices.Concat(
		keyed("labels", page("returns.md", "Keep the box.", "Scan the label with Parcelino.")),
		keyed("labels", page("面单.md", "请保留包装。", "请扫描面单。")),
		keyed("Labels", page("标签.md", "一。", "二。")), // another key
		page("returns.zh.md", "三十天内。", "免费退货。"))...)
	found, err := ix.Search(t.Context(), retrieval.Query{Text: "Parcelino 怎么用", Lang: desk.Chinese, K: 5})
	if want := []desk.ChunkID{"面单.md#1", "returns.md#1"}; err != nil || !slices.Equal(ids(found), want) {
		t.Errorf("found %v, %v, want the translation and then the page: %v", ids(found), err, want)
	}
}

func TestOnlyTranslationsAreTranslations(t *testing.T) {
	pairs := page("en/faq.csv", "Scan the label.", "Keep the box.")
	for i := range pairs {
		pairs[i].Kind = desk.FAQ
	}
	ix := index(t, slices.Concat(
		pairs, page("zh/faq.csv", "五天内退款。", "请扫描面单。"), // pairs in no order
		page("en/label.md", "Scan again."), page("zh/label.md", "一", "二", "三"), // another text
		page("returns.md", "Scan the label with Parcelino."),
		page("refunds.zh.md", "五天内退款。"),             // another page
		page("zh/returns/a.md", "请扫描面单。"),           // in another folder
		page("returns.fr.md", "Return labels."))...) // in no other language that we tell
	found, err := ix.Search(t.Context(), retrieval.Query{Text: "Parcelino 怎么用", Lang: desk.Chinese, K: 5})
	if err != nil || !slices.Equal(ids(found), []desk.ChunkID{"returns.md#0"}) {
		t.Errorf("found %v, %v", ids(found), err)
	}
	found, err = ix.Search(t.Context(), retrieval.Query{Text: "scan 吗", Lang: desk.Chinese, K: 9})
	if err != nil || slices.ContainsFunc(found, func(p desk.Passage) bool { return p.Lang == desk.Chinese }) {
		t.Errorf("found %v, %v", ids(found), err)
	}
}

func TestATranslationThatIsGoneIsNotFound(t *testing.T) {
	ix := index(t, slices.Concat(page("returns.md", "Scan the label with Parcelino."), page("returns.zh.md", "请扫描面单。"),
		page("a.md", "Lamps."), page("b.md", "Cables."))...)
	without, err := ix.With(t.Context(), nil, []desk.DocumentID{"returns.zh.md"})
	if err != nil {
		t.Fatal(err)
	}
	found, err := without.Search(t.Context(), retrieval.Query{Text: "Parcelino 怎么用", Lang: desk.Chinese, K: 5})
	if err != nil || !slices.Equal(ids(found), []desk.ChunkID{"returns.md#0"}) {
		t.Errorf("found %v, %v", ids(found), err)
	}
	again, err := without.With(t.Context(), page("returns.zh.md", "请扫描新面单。"), nil)
	if err != nil {
		t.Fatal(err)
	}
	found, err = again.Search(t.Context(), retrieval.Query{Text: "Parcelino 怎么用", Lang: desk.Chinese, K: 5})
	if err != nil || len(found) != 2 || found[0].ID != "returns.zh.md#0" {
		t.Errorf("loaded again: found %v, %v", ids(found), err)
	}
}
