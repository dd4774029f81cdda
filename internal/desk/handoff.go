package desk

import "time"

// HandoffState is how far the people behind the desk have come with a handoff.
type HandoffState string

const (
	HandoffOpen     HandoffState = "open"
	HandoffTaken    HandoffState = "taken" // somebody looks after it
	HandoffResolved HandoffState = "resolved"
)

// HandoffStates lists the set.
var HandoffStates = [...]HandoffState{HandoffOpen, HandoffTaken, HandoffResolved}

// Delivery is what became of telling the webhook of a handoff; empty while it
// is under way, or where there is no webhook.
type Delivery string

const (
	Delivered   Delivery = "delivered"
	Undelivered Delivery = "failed" // for good
)

// Case is a handoff as the people behind the desk see it.
type Case struct {
	Answer       AnswerID // of the answer that offered a person; its id too
	User         UserID
	Conversation ConversationID
	Asked        time.Time
	Question     Masked
	Text         Masked // of the answer
	Lang         Lang
	Handoff      Handoff
	Askings      int       // how often that answer was given, the cache included; at least 1
	Again        time.Time // when the cache last gave it, to within 30 s; zero: never
	Raised       time.Time // when it last began to wait: asked, given again, or opened again by a person
	State        HandoffState
	By           string    // who changed the state last
	Changed      time.Time // when they did; zero: nobody has
	Webhook      Delivery
}

// CaseQuery chooses handoffs, those that were raised last first.
type CaseQuery struct {
	State HandoffState // empty: any
	// Before and BeforeID are Raised and Answer of the last that was seen; zero:
	// begin with the latest.
	Before   time.Time
	BeforeID AnswerID
}
