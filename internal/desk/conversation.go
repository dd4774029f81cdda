package desk

import "time"

// Turn is one question of a conversation and what it was answered.
type Turn struct {
	Answer   AnswerID // of the answer; a cached one has the id that it was composed under
	At       time.Time
	Question Masked
	// Standalone is the question as it was understood from the turns before it;
	// empty where it stood alone.
	Standalone Masked
	Text       Masked // of the answer
	Lang       Lang
	Outcome    Outcome
}

// Understood is the question as it stands alone.
func (t Turn) Understood() Masked {
	if t.Standalone != "" {
		return t.Standalone
	}
	return t.Question
}

// Conversation sums up the turns of one user under one id.
type Conversation struct {
	ID          ConversationID
	Turns       int
	First, Last time.Time
}

// Exchange is an earlier question and answer as a caller tells them. Like an
// Ask it may hold personal data.
type Exchange struct{ Question, Answer string }
