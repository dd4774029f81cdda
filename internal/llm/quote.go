package llm

import "kefu/internal/desk"

// Quote bounds from above what one call may cost, before it is made. The zero
// Quote is that of a call that costs nothing.
type Quote struct {
	First   desk.MicroUSD // at the target that is asked first
	Dearest desk.MicroUSD // at any target of the chain
	Tokens  int64         // of prompt and completion together, at any target
	// Unpriced names the model that is asked first if its price is not known;
	// empty if it is.
	Unpriced string
}
