package route_test

import (
	"fmt"

	"kefu/internal/route"
)

func ExampleRouter_Decide() {
	r := route.New()
	for _, question := range []string{"谢谢！", "How long does shipping take?", "基础版和专业版有什么区别？"} {
		decision := r.Decide(question)
		fmt.Println(decision.Kind, decision.Reason)
	}
	// Output:
	// simple pleasantry
	// simple single_fact
	// complex comparison
}
