package pattern_test

import (
	"fmt"

	"kefu/internal/pattern"
)

func ExampleMustCompile() {
	asked := pattern.MustCompile(`(?i)\b(?:where is|track) my (?:order|parcel)`)
	fmt.Println(asked.MatchString("Where is my order?"))
	fmt.Println(asked.MatchString("How long does delivery take?")) // the expression is not run
	// Output:
	// true
	// false
}
