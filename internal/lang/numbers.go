package lang

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Numbers returns the numbers of text in order, each in one form however it
// was written, so that two texts can be compared:
//
//   - "1,000" and "1000.0" are "1000"; "30-day", "30天" and "三十天" are "30";
//   - dates and times give their fields: "2024-03-05" is "2024", "3", "5";
//   - part numbers lose case and separators: "AB-1203" is "ab1203";
//   - Chinese numerals and English number words count where they plainly
//     measure something ("两年", "two weeks"), not in 一下, 万一 or "one of them".
func Numbers(text string) []string {
	s := fold(text)
	var numbers []string
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case isASCIIWord(s[i]):
			end := i
			for end < len(s) && (isASCIIWord(s[end]) || joinsNumber(s, end)) {
				end++
			}
			numbers = appendNumbers(numbers, s[i:end], s[end:])
			i = end
		case r >= utf8.RuneSelf && strings.ContainsRune(hanNumerals, r):
			end := i
			for end < len(s) {
				n, w := utf8.DecodeRuneInString(s[end:])
				if !strings.ContainsRune(hanNumerals, n) {
					break
				}
				end += w
			}
			before, _ := utf8.DecodeLastRuneInString(s[:i])
			if n, ok := hanNumber(s[i:end], before, s[end:]); ok {
				numbers = append(numbers, n)
			}
			i = end
		default:
			i += size
		}
	}
	return numbers
}

func hasDigit(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return '0' <= r && r <= '9' })
}

func isASCIIWord(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// joinsNumber reports a single joiner between two word characters.
func joinsNumber(s string, i int) bool {
	return strings.IndexByte("-_.,/:", s[i]) >= 0 && i > 0 && isASCIIWord(s[i-1]) && i+1 < len(s) && isASCIIWord(s[i+1])
}

var (
	decimal    = regexp.MustCompile(`^\d{1,3}(,\d{3})+(\.\d+)?|^\d+(\.\d+)*`)
	partNumber = regexp.MustCompile(`^[a-z]{1,4}[-_./]?\d[a-z0-9]*([-_./][a-z0-9]+)*`)
)

// appendNumbers appends the numbers of one word; rest is the text after it.
func appendNumbers(numbers []string, word, rest string) []string {
	if !hasDigit(word) {
		if n, ok := englishNumber(word, rest); ok {
			return append(numbers, n)
		}
		return numbers
	}
	for word != "" {
		if n := decimal.FindString(word); n != "" {
			word = word[len(n):]
			numbers = append(numbers, scaled(canonical(n), word+rest))
			continue
		}
		if n := partNumber.FindString(word); n != "" {
			word = word[len(n):]
			if strings.HasPrefix(n, "v") && strings.Contains(n, ".") {
				n = n[1:] // v5.4 is version 5.4
			}
			numbers = append(numbers, strings.Map(dropJoiners, n))
			continue
		}
		letters := 1
		for letters < len(word) && 'a' <= word[letters] && word[letters] <= 'z' {
			letters++
		}
		word = word[letters:]
		if len(word) > 1 && strings.IndexByte("-_", word[0]) >= 0 { // "iphone-15"
			word = word[1:]
		}
		if !hasDigit(word) {
			break
		}
	}
	return numbers
}

func dropJoiners(r rune) rune {
	if strings.ContainsRune("-_/", r) {
		return -1
	}
	return r
}

// canonical drops thousands separators, leading zeros and zeros after the
// decimal point; versions ("5.4.0") keep theirs.
func canonical(n string) string {
	n = strings.ReplaceAll(n, ",", "")
	whole, fraction, _ := strings.Cut(n, ".")
	if strings.Contains(fraction, ".") {
		return n
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

// scaled multiplies n by the 万 or 亿 that follows it.
func scaled(n, rest string) string {
	scale := 0.0
	switch {
	case strings.HasPrefix(rest, "万"), strings.HasPrefix(rest, "萬"):
		scale = 1e4
	case strings.HasPrefix(rest, "亿"), strings.HasPrefix(rest, "億"):
		scale = 1e8
	default:
		return n
	}
	f, err := strconv.ParseFloat(n, 64)
	if err != nil {
		return n
	}
	return strconv.FormatFloat(f*scale, 'f', -1, 64)
}

const hanNumerals = "零〇一二三四五六七八九十百千万亿两兩萬億"

// hanUnits are what a single Chinese digit must stand before to be a number.
var hanUnits = regexp.MustCompile(`^(个?(工作日|自然日|小时|小時|月|星期|礼拜|禮拜)|個(工作日|自然日|小時|月|星期|禮拜)|天|日|年|周|週|分钟|分鐘|秒|元|块|塊|折|倍|次|件|台|臺|部|岁|歲|级|級|号|號|楼|樓|公斤|千克|克|米|人)`)

// hanNumber reads a run of Chinese numerals that stands between before and rest.
func hanNumber(run string, before rune, rest string) (string, bool) {
	digits := []rune(run)
	if strings.ContainsRune("第周週期拜", before) && len(digits) == 1 && !hanUnits.MatchString(rest) {
		return "", false // 周三, 星期五
	}
	positional := strings.ContainsAny(run, "十百千万亿萬億")
	switch {
	case !positional && len(digits) == 1:
		n := hanDigit(digits[0])
		return strconv.Itoa(n), n > 0 && hanUnits.MatchString(rest)
	case !positional: // 二〇二四 is a year; 三五 is "a few"
		if len(digits) < 3 {
			return "", false
		}
		var b strings.Builder
		for _, d := range digits {
			b.WriteString(strconv.Itoa(hanDigit(d)))
		}
		return canonical(b.String()), true
	case len(digits) == 1:
		return "10", digits[0] == '十' && !strings.HasPrefix(rest, "分") && hanUnits.MatchString(rest) || digits[0] == '十' && strings.HasPrefix(rest, "分钟")
	}
	n, ok := positionalNumber(digits)
	return strconv.Itoa(n), ok
}

// positionalNumber reads 二十四, 一百零五, 三千二 (3200), 两万; it refuses what
// only estimates (两三百) or is no number (万一, 千万).
func positionalNumber(digits []rune) (int, bool) {
	total, section, digit, unit := 0, 0, -1, 1
	for i, r := range digits {
		d := hanDigit(r)
		u := hanUnit(r)
		switch {
		case d >= 0:
			if digit > 0 {
				return 0, false
			}
			digit = d
			if d == 0 {
				unit = 1
			}
		case u >= 1e4:
			if section == 0 && digit <= 0 {
				return 0, false
			}
			if total += section + max(digit, 0); total > 1e15/u {
				return 0, false
			}
			total *= u
			section, digit, unit = 0, -1, u
		default:
			if digit < 0 && (u != 10 || i > 0 && hanUnit(digits[i-1]) < 1e4) {
				return 0, false
			}
			if digit < 0 {
				digit = 1
			}
			section += digit * u
			digit, unit = -1, u
		}
	}
	if digit > 0 && unit > 10 && hanUnit(digits[len(digits)-2]) > 0 {
		digit *= unit / 10 // 一百二 is 120
	}
	return total + section + max(digit, 0), true
}

func hanDigit(r rune) int {
	switch r {
	case '零', '〇':
		return 0
	case '两', '兩':
		return 2
	}
	for i, d := range []rune("一二三四五六七八九") {
		if r == d {
			return i + 1
		}
	}
	return -1
}

func hanUnit(r rune) int {
	switch r {
	case '十':
		return 10
	case '百':
		return 100
	case '千':
		return 1000
	case '万', '萬':
		return 1e4
	case '亿', '億':
		return 1e8
	}
	return 0
}

// englishUnits are what an English number word must stand before to be a number.
var englishUnits = regexp.MustCompile(`^[\s-]+((business|working|calendar|full|more)[\s-]+)?(day|week|month|year|hour|minute|second|percent|dollar|euro|pound|time|item|device|people|person)s?\b`)

// englishNumber reads "two", "thirty", "twenty-four" or "hundred" before a unit.
func englishNumber(word, rest string) (string, bool) {
	n := 0
	for part := range strings.SplitSeq(word, "-") {
		d, ok := englishDigit(part)
		if !ok {
			if n > 0 && englishUnits.MatchString(word[strings.IndexByte(word, '-'):]) { // "two-year"
				break
			}
			return "", false
		}
		n += d
	}
	if n == 0 || !strings.Contains(word, "-") && !englishUnits.MatchString(rest) {
		return "", false
	}
	return strconv.Itoa(n), true
}

// NumberWords are the English number words that stand alone, in lower case and
// in order, with "|" between them as in a pattern.
const NumberWords = "one|two|three|four|five|six|seven|eight|nine|ten|" +
	"eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|" +
	"twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred"

// englishDigits are the values of NumberWords. Read only.
var englishDigits = func() map[string]int {
	values := map[string]int{}
	n := 0
	for w := range strings.SplitSeq(NumberWords, "|") {
		if n++; n > 20 {
			n += 9 // thirty stands behind twenty
		}
		values[w] = n
	}
	return values
}()

func englishDigit(word string) (int, bool) {
	n, ok := englishDigits[word]
	return n, ok
}
