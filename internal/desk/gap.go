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
	Askings  int  // how often it was given, the cache included; at least 1
}

// Gap is a question that the knowledge base does not answer well, with all that
// ask the same.
type Gap struct {
	Question   Masked // as it was asked last
	Lang       Lang
	Count      int // how often it was asked, also of the cache
	Disliked   int // of these, answered and rated down
	LastAsked  time.Time
	LastAnswer AnswerID
	// Curated tells whether somebody has written an answer to it by now.
	Curated bool
}
