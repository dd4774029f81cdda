package grounding_test

import (
	"testing"

	"kefu/internal/grounding"
)

func TestACitationIsSetRightWhileTheAnswerIsShown(t *testing.T) {
	tests := []struct{ name, said, text, want string }{
		{"the source that supports the sentence is named", "Orders over $50 ship free", " [1].", " [2]."},
		{"what stood between citations is looked at with each", "", "Orders over $50 ship free [1]. Gift cards cannot be returned [2].", "Orders over $50 ship free [2]. Gift cards cannot be returned [1]."},
		{"of several behind a sentence the first stays", "Orders over $50 ship free [2]", " [1] [3].", "."},
		{"the first of several in one piece stays", "Orders over $50 ship free", "\t[1][3].", "\t[2]."},
		{"where nothing is stated none stays", "", " [2]", ""},
		{"the number of what nothing supports stays", "Couriers collect old fridges on Sundays", " [1]", " [1]"},
		{"a text without citations stays as it is", "Orders over $50", " ship [free", " ship [free"},
		{"Chinese", "礼品卡不支持退货", "[1]。", "[3]。"},
	}
	for _, tt := range tests {
		if got := grounding.SetRight(tt.said, tt.text, sources); got != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
}
