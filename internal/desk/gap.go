package desk

import "time"

// Complaint is a question whose answer did not help: none was found, what was
// said had no support, or its asker was not content.
type Complaint struct {
	Answer   AnswerID
	Question Masked // as it was understood from what was said before
	Lang     Lang
	Asked    time.Time
	Disliked bool // rated down; else unanswered
}

// Gap is a question that the knowledge base does not answer well, with all that
// ask the same.
type Gap struct {
	Question   Masked // as it was asked last
	Lang       Lang
	Count      int // answers composed; one that the cache gave again counts once
	Disliked   int // of these, answered and rated down
	LastAsked  time.Time
	LastAnswer AnswerID
}
