package tool

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
)

func TestATokenStandsForOneActionOfOneCustomer(t *testing.T) {
	s := seal(t)
	arguments := map[string]any{"order_id": "10002", "n": json.Number("12345678901234567890")}
	token, _, err := s.seal("cancel_order", arguments, session())
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.open(token, session())
	if err != nil || got.Tool != "cancel_order" || !reflect.DeepEqual(got.Arguments, arguments) || got.Key == "" {
		t.Errorf("action = %+v, %v", got, err)
	}
	again, _, err := s.seal("cancel_order", arguments, session())
	if err != nil {
		t.Fatal(err)
	}
	if other, _ := s.open(again, session()); other.Key == got.Key {
		t.Error("two wishes share their idempotency key")
	}
	if plain, _ := base64.RawURLEncoding.DecodeString(token); strings.Contains(string(plain), "10002") {
		t.Error("the token shows what it holds")
	}

	other, err := NewSeal([]byte(strings.Repeat("o", MinSecret)), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.open(token, session()); code(err) != CodeConfirmation {
		t.Errorf("another secret opens it: %v", err)
	}
	for why, change := range map[string]func(*Session){
		"another customer":     func(s *Session) { s.Scope.User = "eve" },
		"another tenant":       func(s *Session) { s.Scope.Tenant = "rival" },
		"another conversation": func(s *Session) { s.Conversation = "c2" },
		"moved boundaries":     func(s *Session) { s.Scope.User, s.Conversation = "annc", "1" },
	} {
		of := session()
		change(&of)
		if _, err := s.open(token, of); code(err) != CodeConfirmation {
			t.Errorf("%s opens it: %v", why, err)
		}
	}
	for _, bad := range []string{"", "x", "%", token[:len(token)-2], "A" + token, strings.ToLower(token)} {
		if _, err := s.open(bad, session()); code(err) != CodeConfirmation {
			t.Errorf("%q is opened: %v", bad, err)
		}
	}
	if _, err := NewSeal([]byte("short"), 0); err == nil {
		t.Error("a short secret is taken")
	}
}

func TestATokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seal(t) // for a minute
		token, expires, err := s.seal("cancel_order", nil, session())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		if _, err := s.open(token, session()); err != nil {
			t.Errorf("error = %v after 59 s", err)
		}
		time.Sleep(time.Second)
		if _, err := s.open(token, session()); code(err) != CodeExpired || time.Now().Before(expires) {
			t.Errorf("error = %v at %s, want it expired at %s", err, time.Now(), expires)
		}
	})
}

func TestTheQuestionIsMadeOfTheArguments(t *testing.T) {
	spec := Spec{Confirm: Text{
		desk.English: "Send {n} of {items} to {to}{missing}?", desk.Chinese: "把 {n} 件 {items} 寄给 {to} 吗？",
	}}
	in := Input{Arguments: map[string]any{"n": json.Number("2"), "items": []any{"a"}, "to": "ann@example.com"}}
	if got := spec.question(in, desk.English); got != `Send 2 of ["a"] to ann@example.com?` {
		t.Errorf("question = %q", got)
	}
	if got := spec.question(in, desk.Chinese); got != `把 2 件 ["a"] 寄给 ann@example.com 吗？` {
		t.Errorf("question = %q", got)
	}
}

func FuzzOpen(f *testing.F) {
	s, err := NewSeal([]byte(strings.Repeat("s", MinSecret)), time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		if a, err := s.open(token, session()); err == nil {
			t.Errorf("%q is opened as %+v", token, a)
		}
	})
}
