package mask

import (
	"regexp"
	"strings"

	"kefu/internal/pattern"
)

// phone tells a telephone number by its form, or by the words around it.
func (r run) phone(d string) bool {
	n := len(d)
	if strings.Contains(r.before, "+") {
		return n >= 7 && n <= 15
	}
	if r.touched() || n > 15 {
		return false
	}
	formed := r.chinese(d) || r.national(d) || r.northAmerican(d) || r.exit(d) || r.countryCode(d)
	return (formed && !r.coded() || n <= 13 && (r.said(phoneWords) || r.followed())) && !r.said(ordered) && !r.said(account)
}

// coded tells that capitals lead to the run with a hyphen, as in
// "INV-0212345678", and that they are no word for a telephone: so firms count
// what they have.
func (r run) coded() bool {
	start := r.start() - len(r.before)
	if start == 0 || r.s[start-1] != '-' {
		return false
	}
	letters := code.FindString(r.s[max(0, start-wordsBefore):start])
	return letters != "" && !phoneWords.MatchString(letters[:len(letters)-1])
}

var code = regexp.MustCompile(`\b[A-Z]{3,6}-$`)

// touched tells that the run is cut out of a longer row of digits: only blanks
// part numbers from each other.
func (r run) touched() bool {
	before, after := r.start()-len(r.before), r.end()
	if before > 0 && strings.IndexByte("-./", r.s[before-1]) >= 0 && before > 1 && digit(r.s[before-2]) {
		return true
	}
	return after+1 < len(r.s) && strings.IndexByte("-./", r.s[after]) >= 0 && digit(r.s[after+1])
}

func chineseMobile(d string) bool { return len(d) == 11 && d[0] == '1' && d[1] >= '3' }

// chinese knows mobile numbers, landlines with their area code and service
// numbers.
func (r run) chinese(d string) bool {
	if strings.HasPrefix(d, "86") && len(d) == 13 {
		d = d[2:]
	}
	if chineseMobile(d) {
		return len(r.groups) <= 4 && r.separated(" -")
	}
	if d[0] == '0' && d[1] != '0' && (r.shaped(3, 7) || r.shaped(3, 8) || r.shaped(4, 7) || r.shaped(4, 8) ||
		r.whole && (r.shaped(3, 4, 4) || r.shaped(4, 4, 4) || r.shaped(4, 3, 4))) {
		return true
	}
	return len(d) == 10 && (d[:3] == "400" || d[:3] == "800") && r.separated(" -")
}

// national is a number with the leading zero of most countries.
func (r run) national(d string) bool {
	if d[0] != '0' || d[1] == '0' || len(d) < 9 || len(d) > 12 || !r.whole || len(r.groups) > 5 {
		return false
	}
	for i, g := range r.groups {
		if g.end-g.start < 2 && i > 0 {
			return false
		}
	}
	return len(d) <= 11 || len(r.groups) > 1
}

// northAmerican is 415-555-0132 in its spellings; and what is written alike,
// such as 532-123-45-67.
func (r run) northAmerican(d string) bool {
	if len(d) == 11 && d[0] == '1' {
		d = d[1:]
		if r.shaped(1, 3, 7) {
			return strings.Contains(r.s[r.start():r.end()], "(")
		}
		if !r.shaped(1, 3, 3, 4) {
			return false
		}
	} else if !r.shaped(3, 3, 4) && !r.shaped(3, 3, 2, 2) && !(r.shaped(3, 7) && r.before == "(") {
		return false
	}
	return d[0] >= '2' && (r.whole || !r.separated(" "))
}

// exit is a number that is dialled with 00.
func (r run) exit(d string) bool {
	if !strings.HasPrefix(d, "00") || d[2] == '0' || len(d) < 11 || !r.whole {
		return false
	}
	abroad := d[2:]
	return len(r.groups) > 2 && r.separated(" -()") || mobileAbroad.MatchString(abroad) || strings.HasPrefix(abroad, "86") && chineseMobile(abroad[2:])
}

// countryCode is an international mobile number without its plus sign.
func (r run) countryCode(d string) bool {
	return r.whole && (len(r.groups) == 1 || len(r.groups) == 2 && r.separated("-")) && mobileAbroad.MatchString(d)
}

var mobileAbroad = regexp.MustCompile(`^(?:447\d{9}|614\d{8}|8869\d{8}|65[89]\d{7}|919\d{9}|33[67]\d{8}|905\d{9}|491[567]\d{8,9}|852[5-9]\d{7}|81[789]0\d{8}|8210\d{8}|639\d{9}|6019?\d{8}|628\d{9,10}|55\d{2}9\d{8})$`)

var (
	phoneWords = pattern.MustCompile(`(?i)(?:\b(?:tele)?(?:fono?|phone|foon)o?|\bmob(?:ile?)?|\bcell(?:phone)?|\btel|\bfax|\bdesk:|\bcall(?:ing|ed)?(?: (?:me|us|him|her|them))?|\bwhatsapp|\btext me|answering|reach(?:ed)?(?: (?:me|us|him|her|them))?|电话|電話|手机|手機|号码|號碼|座机|座機|传真|傳真|致电|拨打|联系方式|微信|热线)(?: ?(?:number|no|nr|numaram|#|is|was|at|on|under|to|号码|号|號碼|為|为|是|[:.()]))*[ :]*$`)
	phoneAfter = regexp.MustCompile(`^[ (]*(?i:office|fax|mobile|cell|phone|home|work|电话|手机)\b`)
)

// followed tells that the words behind the run call it a telephone number.
func (r run) followed() bool {
	after := r.s[r.end():min(len(r.s), r.end()+16)]
	return !strings.HasPrefix(after, ".") && phoneAfter.MatchString(after)
}
