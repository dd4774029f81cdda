package ingest

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

const (
	simplified  = "退货政策\n\n签收后七天内可以退货，运费由我们承担。超过 30 天的订单请联系客服（工作日 9:00-18:00）。\n"
	traditional = "退貨政策\n\n簽收後七天內可以退貨，運費由我們承擔。超過 30 天的訂單請聯絡客服（工作日 9:00-18:00）。\n"
	english     = "Returns\n\nWe don’t charge for returns – ever. “Free” means free.\n"
)

func TestEncodingsAreTold(t *testing.T) {
	tests := []struct {
		name     string
		encoding encoding.Encoding
		mark     string
		text     string
	}{
		{"UTF-8 with a mark", encoding.Nop, "\uFEFF", simplified},
		{"GB18030", simplifiedchinese.GB18030, "", simplified},
		{"GBK", simplifiedchinese.GBK, "", simplified},
		{"GBK, one sentence", simplifiedchinese.GBK, "", "退款需要五天。"},
		{"GBK, one word", simplifiedchinese.GBK, "", "运费"},
		{"GBK, one word among English", simplifiedchinese.GBK, "", "abc\n退货"},
		{"Big5", traditionalchinese.Big5, "", traditional},
		{"Big5, one sentence", traditionalchinese.Big5, "", "請於七天內退貨。"},
		{"UTF-16, little end first, with a mark", utf16LE, "\uFEFF", simplified},
		{"UTF-16, big end first, with a mark", utf16BE, "\uFEFF", simplified},
		{"UTF-16, little end first", utf16LE, "", simplified},
		{"UTF-16, big end first", utf16BE, "", simplified},
		{"UTF-16, traditional", utf16LE, "", traditional},
		{"UTF-16, English", utf16LE, "", english},
		{"UTF-16, French", utf16BE, "", "Le café est fermé à midi.\n"},
		{"typographic quotes of Windows", charmap.Windows1252, "", english},
		{"French", charmap.Windows1252, "", "Le café est fermé à midi. Âge minimum : 18 ans, très strict.\n"},
		{"Japanese", japanese.ShiftJIS, "", strings.Repeat("返品は七日以内にお願いいたします。送料は当社が負担します。\n", 4)},
		{"Korean", korean.EUCKR, "", strings.Repeat("반품은 칠일 이내에 가능합니다. 배송비는 저희가 부담합니다.\n", 4)},
		{"GBK, larger than what is judged", simplifiedchinese.GBK, "", strings.Repeat("退货，", sample)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := tt.encoding.NewEncoder().Bytes([]byte(tt.mark + tt.text))
			if err != nil {
				t.Fatal(err)
			}
			got, err := toUTF8(data)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.text {
				t.Errorf("text = %.80q, want %.80q", got, tt.text)
			}
		})
	}
}

func TestADeclaredEncodingIsUsed(t *testing.T) {
	// The two bytes mean something in almost any encoding.
	for declared, want := range map[string]string{
		`<html><head><meta charset="gb2312"><p>` + "\xd6\xd0":                                                          "中",
		`<meta http-equiv="Content-Type" content="text/html; charset=big5"><p>` + "\xa4\xa4":                           "中",
		`<?xml version="1.0" encoding='windows-1251'?><p>` + "\xcf\xf0":                                                "Пр",
		`<meta charset=utf-8><p>` + "\xcb\xcd\xbb\xf5\xb7\xd1\xd3\xc3\xd3\xc9\xce\xd2\xc3\xc7\xb3\xd0\xb5\xa3\xa1\xa3": "送货费用由我们承担。",
	} {
		got, err := toUTF8([]byte(declared))
		if err != nil || !strings.HasSuffix(string(got), want) {
			t.Errorf("%.60q = %q, %v, want its end to be %q", declared, got, err, want)
		}
	}
}

func FuzzToUTF8(f *testing.F) {
	for _, e := range []encoding.Encoding{encoding.Nop, simplifiedchinese.GB18030, traditionalchinese.Big5, utf16LE, utf16BE, charmap.Windows1252} {
		for _, text := range []string{simplified, english, "<meta charset=gbk>é"} {
			data, _ := encoding.ReplaceUnsupported(e.NewEncoder()).Bytes([]byte(text))
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := toUTF8(data)
		var known *FileError
		switch {
		case err != nil && !errors.As(err, &known):
			t.Fatalf("error = %v, want a FileError", err)
		case err == nil && (!utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0):
			t.Errorf("%q is no text", text)
		case err == nil && utf8.Valid(data) && bytes.IndexByte(data, 0) < 0 && !bytes.Equal(text, bytes.TrimPrefix(data, []byte("\uFEFF"))):
			t.Errorf("UTF-8 was changed: %q", text)
		}
	})
}
