package ingest

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatAPageTurnToreApartIsTogether(t *testing.T) {
	tests := []struct {
		name        string
		pages, want []string
	}{
		{
			"a question goes to its answer",
			[]string{"Can I return it?\nYes, within 30 days.\nWho pays for\nthe parcel?\n3", "We do.\nNext."},
			[]string{"Can I return it?\nYes, within 30 days.\n3", "Who pays for\nthe parcel?\nWe do.\nNext."},
		},
		{
			"in Chinese too",
			[]string{"可以退货吗？\n可以。\n运费谁出？\n第 1 页", "我们承担。"},
			[]string{"可以退货吗？\n可以。\n第 1 页", "运费谁出？\n我们承担。"},
		},
		{
			"what introduces a list goes to the list",
			[]string{"Return a lamp.\nFollow these steps:", "1. Open the app.\n2. Tap Return."},
			[]string{"Return a lamp.", "Follow these steps:\n1. Open the app.\n2. Tap Return."},
		},
		{
			"the rest of a sentence goes back",
			[]string{"Who pays?\nWe pay if the lamp is", "faulty or damaged. Other returns cost $5."},
			[]string{"Who pays?\nWe pay if the lamp is\nfaulty or damaged.", "Other returns cost $5."},
		},
		{
			"the rest of a Chinese sentence too",
			[]string{"运费谁出？商品有质量问题的，", "由我们承担。其他情况五元。"},
			[]string{"运费谁出？商品有质量问题的，\n由我们承担。", "其他情况五元。"},
		},
		{
			"a page of one question is left empty, and pages without text do not matter",
			[]string{"Who pays?", "", "We do."},
			[]string{"", "", "Who pays?\nWe do."},
		},
		{
			"whole pages stay",
			[]string{"Returns are free.\n1", "Refunds take five days."},
			[]string{"Returns are free.\n1", "Refunds take five days."},
		},
		{"one page stays", []string{"Who pays?"}, []string{"Who pays?"}},
		{"no page", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := turned(tt.pages); !slices.Equal(got, tt.want) {
				t.Errorf("pages = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzTurnedPagesLoseNothing(f *testing.F) {
	f.Add("Who pays?\n3", "We do.")
	f.Add("质量问题的，", "由我们承担。")
	f.Add("a:", " \n")
	f.Fuzz(func(t *testing.T, first, second string) {
		bare := func(pages ...string) string { return strings.Join(strings.Fields(strings.Join(pages, "")), "") }
		sorted := func(s string) string {
			b := []byte(s)
			slices.Sort(b) // the number of a page may change places
			return string(b)
		}
		if got := turned([]string{first, second}); sorted(bare(got...)) != sorted(bare(first, second)) {
			t.Errorf("%q and %q became %q", first, second, got)
		}
	})
}
