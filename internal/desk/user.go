package desk

import "time"

// UserData is everything that is kept of a user, personal data masked.
type UserData struct {
	Turns    []UserTurn
	Answers  []UserAnswer
	Feedback []Feedback
	Handoffs []UserHandoff
}

// UserTurn is a turn with the conversation that it belongs to.
type UserTurn struct {
	Conversation ConversationID
	Turn
}

// UserAnswer is an answer that was recorded with its question.
type UserAnswer struct {
	ID           AnswerID
	At           time.Time
	Conversation ConversationID
	Question     Masked
	Text         Masked
	Outcome      Outcome
}

// UserHandoff is that a user was sent to a person.
type UserHandoff struct {
	Answer AnswerID
	At     time.Time
	Reason HandoffReason
	State  HandoffState
}

// UserErasure counts what was deleted of a user.
type UserErasure struct{ Turns, Answers, Feedback, Handoffs int64 }
