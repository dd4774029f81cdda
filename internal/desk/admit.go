package desk

import "context"

// Admit decides whether the asker may be answered now; its error says why not.
// It is called once, before anything is spent on the question. If the decision
// takes a round trip to Redis, the value of key is read in the same one, unless
// key is empty. A nil Admit lets everyone in.
type Admit func(ctx context.Context, key string) (Along, error)

// Along is the value that a decision read from Redis along the way.
type Along struct {
	Asked bool   // whether the key was read; the caller has to do it otherwise
	Value []byte // nil: Redis has no such key
	Err   error  // Redis did not answer
}

// Enter calls a; it admits everyone where a is nil.
func (a Admit) Enter(ctx context.Context, key string) (Along, error) {
	if a == nil {
		return Along{}, nil
	}
	return a(ctx, key)
}
