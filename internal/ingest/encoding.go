package ingest

import (
	"bytes"
	"regexp"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	textunicode "golang.org/x/text/encoding/unicode"
)

var (
	utf16LE = textunicode.UTF16(textunicode.LittleEndian, textunicode.IgnoreBOM)
	utf16BE = textunicode.UTF16(textunicode.BigEndian, textunicode.IgnoreBOM)
)

// Bounds of what passes as text in a guessed encoding.
const (
	// sample is how much of a file is judged, in bytes; even.
	sample = 16 << 10
	// familiar is the share of characters that have to be ordinary ones. Right
	// guesses are above 0.95, wrong ones below 0.6 (Chinese text of one
	// encoding read in another).
	familiar = 0.85
	// confident is the confidence from which the detector's guess is tried when
	// the text is not Chinese, certain that from which nothing else is.
	confident = 0.7
	certain   = 0.9
	// fewestUTF16 is the size from which UTF-16 without a mark is told, in bytes:
	// any two bytes are some letter in it.
	fewestUTF16 = 8
)

// toUTF8 returns data as UTF-8 without a byte-order mark. The encoding is told
// by that mark, else by being valid UTF-8, else by what the text declares of
// itself, else by which one makes ordinary text of it.
func toUTF8(data []byte) ([]byte, error) {
	for _, mark := range []struct {
		bytes    string
		encoding encoding.Encoding
	}{{"\xFF\xFE", utf16LE}, {"\xFE\xFF", utf16BE}} {
		if rest, ok := bytes.CutPrefix(data, []byte(mark.bytes)); ok {
			if text, ok := decodeAs(mark.encoding, rest); ok {
				return text, nil
			}
			return nil, reject(CodeNotText, 0, "it begins like UTF-16 and is not text")
		}
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	hasNUL := bytes.IndexByte(data, 0) >= 0
	if utf8.Valid(data) && !hasNUL {
		return data, nil
	}
	if name := declaredCharset(data); name != "" {
		if e, err := htmlindex.Get(name); err == nil {
			if text, ok := decodeAs(wider(e), data); ok {
				return text, nil
			}
		}
	}
	if !mostlyUTF8(data) {
		if e := guessEncoding(data); e != nil {
			if text, ok := decodeAs(e, data); ok {
				return text, nil
			}
		}
	}
	if bytes.ContainsFunc(data, isStrayControl) {
		return nil, reject(CodeNotText, 0, "it is not text")
	}
	return nil, reject(CodeEncoding, firstInvalidLine(data), "not UTF-8, nor in another encoding that can be told; save it as UTF-8")
}

// charsetDeclaration is how HTML and XML name their encoding.
var charsetDeclaration = regexp.MustCompile(`(?i)^[^>]{0,64}<\?xml[^>]{1,80}encoding\s*=\s*["']([\w-]{2,20})|<meta[^>]{1,200}charset\s*=\s*["']?([\w-]{2,20})`)

// declaredCharset is the encoding that the first kilobyte names, as browsers
// look for it.
func declaredCharset(data []byte) string {
	found := charsetDeclaration.FindSubmatch(data[:min(len(data), 1024)])
	if found == nil {
		return ""
	}
	return string(or(string(found[1]), string(found[2])))
}

// wider is the encoding that holds e and more: text that is called GB2312 or
// GBK has characters of GB18030.
func wider(e encoding.Encoding) encoding.Encoding {
	if e == simplifiedchinese.GBK || e == simplifiedchinese.HZGB2312 {
		return simplifiedchinese.GB18030
	}
	return e
}

// mostlyUTF8 tells text in UTF-8 some of whose bytes are broken: in another
// encoding hardly any two bytes in sequence look like one character of UTF-8.
func mostlyUTF8(data []byte) bool {
	whole, broken := 0, 0
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			broken++
		case r >= utf8.RuneSelf:
			whole++
		}
		data = data[size:]
	}
	return whole > 0 && whole >= broken
}

// guessEncoding tells the encoding of text that declares none, nil when no
// reading of it is ordinary text. Chinese is judged here: the detector calls
// UTF-16 without a mark and short lines by the names of European encodings.
func guessEncoding(data []byte) encoding.Encoding {
	head := data[:min(len(data), sample)]
	guess := chardet.Detect(head)
	guessed, err := htmlindex.Get(guess.Charset)
	if err == nil && guess.Confidence >= certain && slices.Contains(eastern, guessed) {
		return guessed
	}
	var best encoding.Encoding
	most := familiar
	for _, e := range []encoding.Encoding{simplifiedchinese.GB18030, traditionalchinese.Big5, utf16LE, utf16BE} {
		if (e == utf16LE || e == utf16BE) && (len(data)%2 != 0 || len(data) < fewestUTF16) {
			continue
		}
		text, err := e.NewDecoder().Bytes(head)
		if len(head) < len(data) {
			text = bytes.TrimRight(text, string(utf8.RuneError)) // the sample's end split a character
		}
		if err != nil || !isClean(text) {
			continue
		}
		if share := familiarity(e, text); share > most {
			best, most = e, share
		}
	}
	switch {
	case best != nil:
		return best
	case err == nil && guess.Confidence >= confident && isReadable(guessed, head):
		return wider(guessed)
	default:
		return nil
	}
}

// eastern lists the encodings whose text could be taken for Chinese.
var eastern = []encoding.Encoding{korean.EUCKR, japanese.EUCJP, japanese.ShiftJIS}

// decodeAs returns data as UTF-8, false when it is not cleanly in e: with bytes
// that mean nothing there, or with control characters, which text does not hold.
func decodeAs(e encoding.Encoding, data []byte) ([]byte, bool) {
	text, err := e.NewDecoder().Bytes(data)
	if err != nil || !isClean(text) {
		return nil, false
	}
	return text, true
}

func isClean(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool {
		return r == utf8.RuneError || isStrayControl(r) || unicode.Is(unicode.Co, r)
	})
}

func isStrayControl(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }

// isReadable tells whether data, read as e, is letters, digits and spaces in
// good part.
func isReadable(e encoding.Encoding, data []byte) bool {
	text, _ := e.NewDecoder().Bytes(data)
	all, plain := 0, 0
	for _, r := range string(text) {
		all++
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsSpace(r) {
			plain++
		}
	}
	return plain*10 >= all*7
}

// familiarity is the share of ordinary characters among those of text, read as
// e, that are not ASCII; 1 when there are none.
func familiarity(e encoding.Encoding, text []byte) float64 {
	all, ordinary := 0, 0
	for _, r := range string(text) {
		if r < utf8.RuneSelf {
			continue
		}
		all++
		if isOrdinary(e, r) {
			ordinary++
		}
	}
	if all == 0 {
		return 1
	}
	return float64(ordinary) / float64(all)
}

// isOrdinary tells the characters that texts are made of: marks and, of the
// Han characters, the 3,755 of the first level of GB 2312 or the 5,401 of that
// of Big5, which are those in common use. Among the letters of others only
// those count that e has in two full bytes, so that é is none of them.
func isOrdinary(e encoding.Encoding, r rune) bool {
	switch {
	case r >= 0x2010 && r <= 0x2122, r >= 0x3000 && r <= 0x30FF, r >= 0xFF00 && r <= 0xFF65, r >= 0x2460 && r <= 0x25FF:
		return true
	case unicode.Is(unicode.Han, r):
		return e != traditionalchinese.Big5 && isCommonIn(simplifiedchinese.GBK, r, 0xB0, 0xD7, 0xA1) ||
			e != simplifiedchinese.GB18030 && isCommonIn(traditionalchinese.Big5, r, 0xA4, 0xC6, 0x40)
	case e == utf16LE || e == utf16BE:
		return unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hangul) || r >= 0xA0 && r <= 0xBF
	default:
		return false
	}
}

// isCommonIn tells whether e writes r with a first byte between low and high
// and a second from trail on.
func isCommonIn(e encoding.Encoding, r rune, low, high, trail byte) bool {
	b, err := e.NewEncoder().Bytes([]byte(string(r)))
	return err == nil && len(b) == 2 && b[0] >= low && b[0] <= high && b[1] >= trail
}

func firstInvalidLine(data []byte) int {
	line := 1
	for l := range bytes.Lines(data) {
		if !utf8.Valid(l) {
			break
		}
		line++
	}
	return line
}
