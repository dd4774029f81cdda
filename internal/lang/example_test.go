package lang_test

import (
	"fmt"

	"kefu/internal/lang"
)

func ExampleTerms() {
	fmt.Printf("%q\n", lang.Terms("Returning AB-1203 退货运费"))
	// Output: ["return" "ab-1203" "ab" "1203" "退货" "货运" "运费"]
}

func ExampleSentences() {
	text := "Dr. Lee refunds $9.99 today. 七天内可退货。[1]"
	for _, s := range lang.Sentences(text) {
		fmt.Println(text[s.Start:s.End])
	}
	// Output:
	// Dr. Lee refunds $9.99 today.
	// 七天内可退货。[1]
}

func ExampleNormalise() {
	fmt.Println(lang.Normalise(" ＨＯＷ  do I return it？！ ") == lang.Normalise("how do I return it"))
	// Output: true
}
