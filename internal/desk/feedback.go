package desk

import "time"

// Rating is what a user thinks of an answer.
type Rating string

// The ratings.
const (
	RatedUp   Rating = "up"
	RatedDown Rating = "down"
)

// FeedbackReason says what is wrong with an answer.
type FeedbackReason string

// The reasons; empty for none.
const (
	FeedbackWrong      FeedbackReason = "wrong"
	FeedbackOutdated   FeedbackReason = "outdated"
	FeedbackIncomplete FeedbackReason = "incomplete"
	FeedbackUnclear    FeedbackReason = "unclear"
	FeedbackUnsafe     FeedbackReason = "unsafe"
	FeedbackOther      FeedbackReason = "other"
)

// FeedbackReasons are all of them, in the order in which they are shown.
var FeedbackReasons = [...]FeedbackReason{
	FeedbackWrong, FeedbackOutdated, FeedbackIncomplete, FeedbackUnclear, FeedbackUnsafe, FeedbackOther,
}

// Feedback is what one user says of one answer.
type Feedback struct {
	Answer  AnswerID
	At      time.Time
	Rating  Rating
	Reason  FeedbackReason // only with RatedDown; may be empty
	Comment Masked         // may be empty
}
