package seal_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

var (
	first  = strings.Repeat("a1", seal.KeyBytes)
	second = strings.Repeat("b2", seal.KeyBytes)
)

func parse(t testing.TB, text string) *seal.Ring {
	t.Helper()
	r, err := seal.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTextsAreSealedByTheFirstKeyAndOpenedByAll(t *testing.T) {
	old := parse(t, first)
	sealed := old.Seal("你好 ann", "here")
	if strings.Contains(sealed, "ann") || sealed == old.Seal("你好 ann", "here") {
		t.Errorf("sealed = %q, want another ciphertext each time", sealed)
	}
	both := parse(t, second+","+first)
	if got, err := both.Open(sealed, "here"); err != nil || got != "你好 ann" {
		t.Errorf("opened %q, %v", got, err)
	}
	if now := both.Seal("x", "here"); !strings.HasPrefix(now, seal.Begins(both.IDs()[0])) || both.IDs()[0] == old.IDs()[0] {
		t.Errorf("sealed %q, want by the first key of %v", now, both.IDs())
	}
	_, err := parse(t, second).Open(sealed, "here")
	var missing *desk.Error
	if !errors.As(err, &missing) || missing.Code != "encryption_key_missing" || !strings.Contains(missing.Local, old.IDs()[0]) {
		t.Errorf("error = %v, want the missing key by its id", err)
	}
}

func TestWhatWasChangedOrMovedDoesNotOpen(t *testing.T) {
	r := parse(t, first)
	sealed := r.Seal("hello", seal.Place("answers", "1"))
	for name, try := range map[string]struct{ text, place string }{
		"moved":     {sealed, seal.Place("answers", "2")},
		"changed":   {sealed[:len(sealed)-2] + "AA", seal.Place("answers", "1")},
		"cut":       {sealed[:20], seal.Place("answers", "1")},
		"no base64": {sealed[:12] + "!", seal.Place("answers", "1")},
	} {
		if got, err := r.Open(try.text, try.place); err == nil {
			t.Errorf("%s: opened %q", name, got)
		}
	}
}

func TestWithoutKeysTextsStayAsTheyAreAndAreNeverTakenForSealed(t *testing.T) {
	none, r := parse(t, " \n"), parse(t, first)
	if none.On() || none.Seal("hello", "here") != "hello" || r.Seal("", "here") != "" {
		t.Error("a text was changed without a key, or nothing was sealed")
	}
	forged := none.Seal(r.Seal("hello", "there"), "here")
	if got, err := r.Open(forged, "here"); err != nil || got != forged {
		t.Errorf("a text that looks sealed opens as %q, %v, want as it is", got, err)
	}
}

func TestBytesAreSealedLikeTexts(t *testing.T) {
	none, old, both := parse(t, ""), parse(t, first), parse(t, second+" "+first)
	raw := []byte("\x00ann\xff:ann")
	sealed := old.SealBytes(raw, "here")
	if got, err := both.OpenBytes(sealed, "here"); err != nil || string(got) != string(raw) || bytes.Contains(sealed, []byte("ann")) {
		t.Errorf("%q opens as %q, %v", sealed, got, err)
	}
	if got, err := none.OpenBytes(none.SealBytes(raw, "here"), "here"); err != nil || string(got) != string(raw) {
		t.Errorf("without keys: %q, %v, want what was there", got, err)
	}
	for name, try := range map[string]struct {
		ring   *seal.Ring
		sealed []byte
		place  string
	}{
		"moved":            {old, sealed, "there"},
		"changed":          {old, append(slices.Clone(sealed[:len(sealed)-1]), 0), "here"},
		"cut":              {old, sealed[:12], "here"},
		"with another key": {parse(t, second), sealed, "here"},
		"without keys":     {none, sealed, "here"},
		"never sealed":     {old, raw, "here"},
	} {
		if got, err := try.ring.OpenBytes(try.sealed, try.place); err == nil {
			t.Errorf("%s: opened %q", name, got)
		}
	}
}

func TestKeysAreReadInTheirFormsAndNeverRepeated(t *testing.T) {
	for text, ok := range map[string]bool{
		first: true, "oaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaE=": true, "__-hoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaE": true,
		first + "\n" + second: true, first[:40]: false, "secret-passphrase": false, first + " " + first: false,
	} {
		_, err := seal.Parse(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func FuzzOpenUndoesSeal(f *testing.F) {
	f.Add("hello", "here")
	f.Add("\x01a1b2c3d4:AAAA", "")
	r := parse(f, first)
	f.Fuzz(func(t *testing.T, text, place string) {
		if got, err := r.Open(r.Seal(text, place), place); err != nil || got != text {
			t.Fatalf("opened %q, %v, want %q", got, err, text)
		}
		r.Open(text, place) // does not panic
	})
}
