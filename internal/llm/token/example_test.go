package token_test

import (
	"fmt"

	"kefu/internal/llm/token"
)

func ExampleCount() {
	fmt.Println(token.Count("gpt-4o-mini", "tiktoken is great!"))
	fmt.Println(token.Count("gpt-4o-mini", "退货政策"), token.Count("gpt-4", "退货政策"))
	// Output:
	// 6
	// 3 5
}
