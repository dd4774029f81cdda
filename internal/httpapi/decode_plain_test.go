package httpapi

import "testing"

type decoded struct {
	text, other string
	flag        bool
}

func (d *decoded) fields() []field {
	return []field{{"text", &d.text}, {"other", &d.other}, {"flag", &d.flag}}
}

func TestOrdinaryBodiesNeedNoSecondLook(t *testing.T) {
	for _, body := range []string{
		`{"text":"How long?"}`, ` { "text" : "怎么退货？" , "flag":false,"other":""}` + "\r\n\t ", `{"flag":true,"text":"a/b {}[],:"}`,
	} {
		if !decodePlain([]byte(body), new(decoded).fields()) {
			t.Errorf("%s was not plain", body)
		}
	}
}

// FuzzDecodePlain holds that what the short way takes, the long way takes too,
// and for the same.
func FuzzDecodePlain(f *testing.F) {
	for _, seed := range []string{
		`{"text":"How long?","other":"怎么退货？","flag":true}`, ` { "flag" : false } `, `{}`, `{"flag":truefalse}`, `{"flag":true false}`,
		`{"text":"a","text":"b"}`, `{"Text":"a"}`, `{"text":"a",}`, `{"text":"a"}}`, `{"text":"a\"b"}`, `{"text":"\u0041"}`,
		"{\"text\":\"\xff\"}", "{\"text\":\"a\nb\"}", `{"text":null}`, `{"text":true,"flag":"true"}`, `{"text":"a"`, `["text"]`, `{"text" "a"}`, "\ufeff{}",
		`{"text":"a"}` + "\x00", `{"text":"` + "\u2028\x7f" + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var short, long decoded
		if !decodePlain(body, short.fields()) {
			return
		}
		if err := decodeStrict(body, long.fields()); err != nil || short != long {
			t.Errorf("%q = %+v, want %+v (%v)", body, short, long, err)
		}
	})
}
