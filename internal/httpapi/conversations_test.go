package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
)

// noConversations is a store of which no test expects an answer.
type noConversations struct{ httpapi.Conversations }

// annsConversation has one conversation of one user.
type annsConversation struct{ deleted bool }

var asked = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func (a *annsConversation) List(_ context.Context, scope desk.Scope, _ int) ([]desk.Conversation, error) {
	if scope.User != "ann" {
		return nil, nil
	}
	return []desk.Conversation{{ID: "c1", Turns: 1, First: asked, Last: asked}}, nil
}

func (a *annsConversation) Recent(_ context.Context, scope desk.Scope, id desk.ConversationID, _ int) ([]desk.Turn, error) {
	if scope.User != "ann" || id != "c1" || a.deleted {
		return nil, nil
	}
	return []desk.Turn{{Answer: "ans_1", At: asked, Question: "And in Canada?", Standalone: "How long to Canada?", Text: "5 days [1].", Outcome: desk.Answered}}, nil
}

func (a *annsConversation) Delete(_ context.Context, scope desk.Scope, id desk.ConversationID) error {
	if scope.User != "ann" || id != "c1" || a.deleted {
		return &desk.Error{Kind: desk.NotFound, Code: "conversation_not_found", Field: "id", Public: "There is no conversation."}
	}
	a.deleted = true
	return nil
}

func TestAConversationIsListedReadAndDeletedByItsUserAlone(t *testing.T) {
	f := serve(t, httpapi.Config{Conversations: &annsConversation{}}, says(answer()))
	if r := f.do(t, http.MethodGet, "/v1/conversations?user_id=ann", ""); r.StatusCode != http.StatusOK || !strings.Contains(r.body, `"last_at":"2026-11-26T12:00:00Z"`) {
		t.Errorf("list = %d %s", r.StatusCode, r.body)
	}
	if r := f.do(t, http.MethodGet, "/v1/conversations", ""); r.body != `{"data":[]}`+"\n" {
		t.Errorf("anonymous's list = %s", r.body)
	}
	if r := f.do(t, http.MethodGet, "/v1/conversations/c1?user_id=ann", ""); r.StatusCode != http.StatusOK || !strings.Contains(r.body, `"standalone_question":"How long to Canada?"`) {
		t.Errorf("conversation = %d %s", r.StatusCode, r.body)
	}
	for _, path := range []string{"/v1/conversations/c1", "/v1/conversations/c2?user_id=ann", "/v1/conversations/c1?user_id=bob"} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if r := f.do(t, method, path, ""); r.problem(t).Code != "conversation_not_found" || r.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s = %d %s", method, path, r.StatusCode, r.body)
			}
		}
	}
	if r := f.do(t, http.MethodDelete, "/v1/conversations/c1?user_id=ann", ""); r.StatusCode != http.StatusNoContent {
		t.Errorf("delete = %d %s", r.StatusCode, r.body)
	}
	if r := f.do(t, http.MethodGet, "/v1/conversations?user_id="+strings.Repeat("x", 129), ""); r.problem(t).Code != "value_too_long" {
		t.Errorf("a long user = %s", r.body)
	}
}
