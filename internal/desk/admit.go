package desk

import "context"

// Admit decides whether the asker may be answered now; its error says why not.
// It is called once, before anything is spent on the question. Where it asks
// Redis, it reads a key there in the same round trip, unless that is empty. A
// nil Admit lets everyone in.
type Admit func(ctx context.Context, key string) (Along, error)

// Along is what a decision brought along.
type Along struct {
	Asked bool   // Redis was asked for the key
	Value []byte // what stands there; nil: nothing
	Err   error  // Redis did not answer
}

// Enter decides.
func (a Admit) Enter(ctx context.Context, key string) (Along, error) {
	if a == nil {
		return Along{}, nil
	}
	return a(ctx, key)
}
