package llm

import "kefu/internal/desk"

// Quote bounds what one call may cost before it is made. The zero Quote is
// that of a call which nobody is paid for.
type Quote struct {
	First   desk.MicroUSD // at the target that is asked first
	Dearest desk.MicroUSD // at any target of the chain
	Tokens  int64         // of prompt and completion together, at any target
	// Unpriced is the model asked first where its price is not known.
	Unpriced string
}
