package pdf

import (
	"slices"
	"strings"
	"testing"
)

func TestParagraphs(t *testing.T) {
	tests := []struct{ name, page, want string }{
		{
			"lines that end where the page does go on",
			"Refunds take five days from the day on which we have received\r\nthe parcel that you sent back to us, and longer in December when\r\nmany come.\r\nAsk us.",
			"Refunds take five days from the day on which we have received the parcel that you sent back to us, and longer in December when many come.\n\nAsk us.",
		},
		{
			"Chinese lines join without a space",
			"签收后七天内可以退货，退回的商品须保持完\r\n好，运费由我们承担。\r\n请联系客服。",
			"签收后七天内可以退货，退回的商品须保持完好，运费由我们承担。\n\n请联系客服。",
		},
		{
			"a word that was divided is whole again",
			"The warranty covers the manu\x02\r\nfacturer's faults.",
			"The warranty covers the manufacturer's faults.",
		},
		{
			"items of a list and questions begin lines",
			"Bring the following things along when you come to our store:\r\n• the receipt\r\n2) the item\r\nQ: And the box?\r\nA: No.",
			"Bring the following things along when you come to our store:\n• the receipt\n2) the item\nQ: And the box?\nA: No.",
		},
		{
			"the rows of a table stay apart",
			"Weight Zone 1 Zone 2\r\n1 kg 4.90 6.90\r\n2 kg 5.90 8.90\r\nExpress 3 kg 7.90 9.90",
			"Weight Zone 1 Zone 2\n1 kg 4.90 6.90\n2 kg 5.90 8.90\nExpress 3 kg 7.90 9.90",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := layout([]string{tt.page})[0]; got != tt.want {
				t.Errorf("text =\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestWhatStandsOnMostPagesIsDropped(t *testing.T) {
	var pages []string
	for _, text := range []string{"Alpha.", "Beta.", "Gamma.", "Delta."} {
		pages = append(pages, "Shop manual\r\n"+text+"\r\nPage "+strings.Repeat("1", len(pages)+1)+" of 4")
	}
	if got := layout(pages); !slices.Equal(got, []string{"Alpha.", "Beta.", "Gamma.", "Delta."}) {
		t.Errorf("pages = %q", got)
	}
	if got := layout(pages[:2])[0]; !strings.Contains(got, "Shop manual") {
		t.Errorf("of two pages alone nothing can be told, yet %q", got)
	}
}
