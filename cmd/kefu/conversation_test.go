package main_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/testenv"
)

// converse asks a server in a conversation.
func converse(t *testing.T, s *e2e.Server, user, id, question string) e2e.Answer {
	t.Helper()
	body, err := json.Marshal(map[string]string{"question": question, "user_id": user, "conversation_id": id})
	if err != nil {
		t.Fatal(err)
	}
	status, reply, err := s.Post(t.Context(), "application/json", body)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%q: %d %s %v", question, status, reply, err)
	}
	var a e2e.Answer
	if err := json.Unmarshal(reply, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAFollowUpIsUnderstoodAlsoByAnotherReplica(t *testing.T) {
	site := e2e.NewSite(t, "DATABASE_URL="+testenv.Postgres(t))
	site.Write("docs/warranty.csv", strings.Join([]string{
		"question,answer", "How long is the warranty of the smart lamp?,The smart lamp has a warranty of 36 months.",
		"How long is the warranty of the tablet?,The tablet has a warranty of 12 months.",
		"智能灯的保修期是多久？,智能灯的保修期为三年。", "平板电脑的保修期是多久？,平板电脑的保修期为一年。",
	}, "\n"))
	site.Must("kb", "load", "docs")
	one, other := site.Serve(), site.Serve()
	if a := converse(t, one, "ann", "c1", "How long is the warranty of the smart lamp?"); !strings.Contains(a.Answer, "36 months") {
		t.Fatalf("answer = %+v", a)
	}
	if a := converse(t, other, "ann", "c1", "What about the tablet?"); !strings.Contains(a.Answer, "12 months") || a.CacheHit {
		t.Errorf("follow-up = %+v", a)
	}
	converse(t, one, "ann", "c2", "智能灯的保修期是多久？")
	if a := converse(t, other, "ann", "c2", "那平板电脑呢？"); !strings.Contains(a.Answer, "一年") {
		t.Errorf("follow-up = %+v", a)
	}
	if a := converse(t, one, "bob", "c1", "What about the tablet?"); strings.Contains(a.Answer, "36 months") {
		t.Errorf("bob was answered from ann's conversation: %+v", a)
	}
	e2e.Eventually(t, "the conversation is read back", func() bool {
		status, body := other.Get("/v1/conversations/c1?user_id=ann")
		return status == http.StatusOK && strings.Contains(body, `"standalone_question":"How long is the warranty of the tablet?"`)
	})
}
