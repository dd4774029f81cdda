package grounding_test

import (
	"testing"

	"kefu/internal/grounding"
)

// Models write citations as they were taught, whatever the prompt says.
func TestCitationsOfEveryKindAreRead(t *testing.T) {
	tests := []struct{ written, read string }{
		{"Orders over $50 ship free [2].", "Orders over $50 ship free [2]."},
		{"Orders over $50 ship free [1, 2].", "Orders over $50 ship free [1][2]."},
		{"Orders over $50 ship free [1-3].", "Orders over $50 ship free [1][3]."},
		{"Orders over $50 ship free ([2]).", "Orders over $50 ship free [2]."},
		{"Orders over $50 ship free ([1], [2]).", "Orders over $50 ship free [1][2]."},
		{"Orders over $50 ship free (see [2]).", "Orders over $50 ship free [2]."},
		{"Orders over $50 ship free (source 2).", "Orders over $50 ship free [2]."},
		{"Orders over $50 ship free (Sources: 1 and 2).", "Orders over $50 ship free [1][2]."},
		{"Orders over $50 ship free [Source 2].", "Orders over $50 ship free [2]."},
		{"Orders over $50 ship free [source 1, source 2].", "Orders over $50 ship free [1][2]."},
		{"Orders over $50 ship free [^2].", "Orders over $50 ship free [2]."},
		{"Orders over $50 ship free【2】.", "Orders over $50 ship free[2]."},
		{"Orders over $50 ship free【2†source】.", "Orders over $50 ship free[2]."},
		{"满 50 美元包邮【2】。", "满 50 美元包邮[2]。"},
		{"满 50 美元包邮［1，2］。", "满 50 美元包邮[1][2]。"},
		{"满 50 美元包邮[资料2]。", "满 50 美元包邮[2]。"},
		{"满 50 美元包邮（来源：2）。", "满 50 美元包邮[2]。"},
		{"满 50 美元包邮（来源：[1]、[2]）。", "满 50 美元包邮[1][2]。"},
		{"满 50 美元包邮（见[2]）。", "满 50 美元包邮[2]。"},
		// and nothing else
		{"Plus (45 days) and Basic (30) differ (see Account > Orders).", "Plus (45 days) and Basic (30) differ (see Account > Orders)."},
		{"The lamp [LM-1203] and the cable [2 m] [of 2024].", "The lamp [LM-1203] and the cable [2 m] [of 2024]."},
		{"会员（2 人）在【我的账号】里查看（7 天内）。", "会员（2 人）在【我的账号】里查看（7 天内）。"},
	}
	for _, tt := range tests {
		got := grounding.Markers(tt.written)
		if got != tt.read {
			t.Errorf("%q is read as %q, want %q", tt.written, got, tt.read)
		}
		if again := grounding.Markers(got); again != got {
			t.Errorf("%q is read as %q when it is read again", got, again)
		}
	}
}

func BenchmarkMarkers(b *testing.B) {
	for b.Loop() {
		grounding.Markers("The Glow L2 smart lamp has a warranty of 36 months [1]. Plus members get 6 months more [2].")
	}
}
