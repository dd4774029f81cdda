package price_test

import (
	"fmt"

	"kefu/internal/desk"
	"kefu/internal/llm/price"
)

func ExamplePrice_Cost() {
	table, err := price.Default()
	if err != nil {
		fmt.Println(err)
		return
	}
	p, _ := table.Lookup("gpt-4o-mini")
	fmt.Println(p.Cost(desk.Usage{Prompt: 1000, Cached: 800, Completion: 100}), "millionths of a dollar")

	_, known := table.Lookup("llama-of-the-house")
	fmt.Println("known:", known)
	// Output:
	// 150 millionths of a dollar
	// known: false
}
