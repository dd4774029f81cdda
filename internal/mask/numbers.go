package mask

import (
	"regexp"
	"strings"

	"kefu/internal/pattern"
)

// run is a stretch of digit groups: "010-6498 1133" has three.
type run struct {
	*scanned
	groups []group // what is looked at
	before string  // separators in front of the first group that belong to it: "+", "("
	whole  bool    // no further digits stand around it
}

type group struct{ start, end int }

// numbers looks through each stretch of digits with nothing but the usual
// separators between them.
func (t *scanned) numbers() {
	if t.digits < fewestDigits {
		return
	}
	var zone []group
	for i := 0; i < len(t.s); {
		if !digit(t.s[i]) {
			i++
			continue
		}
		g := group{start: i}
		for i < len(t.s) && digit(t.s[i]) {
			i++
		}
		g.end = i
		if n := len(zone); n > 0 && !joins(t.s[zone[n-1].end:g.start]) {
			t.zone(zone)
			zone = zone[:0]
		}
		zone = append(zone, g)
	}
	t.zone(zone)
}

// joins tells that what stands between two groups of digits may stand within a
// number.
func joins(separator string) bool {
	return len(separator) <= 3 && strings.Trim(separator, " -.()/") == ""
}

// mostGroups is how many groups a number has at most: "03.93.92.16.85" has
// five, an international one some more.
const mostGroups = 8

// zone takes the longest number that begins at each group.
func (t *scanned) zone(zone []group) {
	for i := 0; i < len(zone); {
		next := i + 1
		for j := min(len(zone), i+mostGroups); j > i; j-- {
			r := run{scanned: t, groups: zone[i:j], before: t.prefix(zone[i].start), whole: i == 0 && j == len(zone)}
			if r.number() {
				next = j
				break
			}
		}
		i = next
	}
}

// prefix is what belongs to a number in front of its digits.
func (t *scanned) prefix(start int) string {
	i := start
	for i > 0 && start-i < 2 && (t.s[i-1] == '+' || t.s[i-1] == '(') {
		i--
	}
	return t.s[i:start]
}

// number masks the run if it is one of the known kinds.
func (r run) number() bool {
	start, end := r.start()-len(r.before), r.end()
	if !r.apartLeft(start) {
		return false
	}
	d := r.digits()
	if len(d) < fewestDigits || len(d) > 19 {
		return false
	}
	if !strings.Contains(r.before, "+") {
		if kind, end := r.identity(d); kind != "" && r.apart(r.start(), end) {
			return r.add(kind, r.start(), end)
		}
	}
	if !r.phone(d) {
		return false
	}
	if ext := extension.FindStringIndex(r.s[end:min(len(r.s), end+12)]); ext != nil {
		end += ext[1]
	}
	if !r.apart(start, end) {
		return false
	}
	return r.add(Phone, start, end)
}

var extension = regexp.MustCompile(`^ ?(?:x|ext\.? ?)\d{1,6}`)

func (r run) start() int { return r.groups[0].start }
func (r run) end() int   { return r.groups[len(r.groups)-1].end }

func (r run) digits() string {
	if len(r.groups) == 1 {
		return r.s[r.start():r.end()]
	}
	var b strings.Builder
	for _, g := range r.groups {
		if b.WriteString(r.s[g.start:g.end]); b.Len() > 20 {
			break
		}
	}
	return b.String()
}

// shaped tells that the groups have these lengths.
func (r run) shaped(lengths ...int) bool {
	if len(lengths) != len(r.groups) {
		return false
	}
	for i, g := range r.groups {
		if g.end-g.start != lengths[i] {
			return false
		}
	}
	return true
}

// separated tells that only these characters stand between the groups.
func (r run) separated(by string) bool {
	for i := 1; i < len(r.groups); i++ {
		if strings.Trim(r.s[r.groups[i-1].end:r.groups[i].start], by) != "" {
			return false
		}
	}
	return true
}

// said tells that the words in front of the run end as the pattern wants.
func (r run) said(what *pattern.Regexp) bool {
	end := r.start() - len(r.before)
	before := r.s[max(0, end-wordsBefore):end]
	if last := strings.TrimRight(before, " :#.(=_-\n"); last == "" || digit(last[len(last)-1]) && what != account {
		return false // nobody introduces a number by another
	}
	if what == account && !strings.ContainsAny(before, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return false
	}
	return what.MatchString(before)
}

const wordsBefore = 40

// ordered matches the end of a text that introduces the number of an order or
// a parcel, which is not personal.
var ordered = pattern.MustCompile(`(?i)(?:\b(?:orders?|invoice|tracking|parcel|package|shipment|awb|ref(?:erence)?|ticket|case|sku|serial|product|transaction|item|part|model|article|batch)|订单|訂單|单号|單號|运单|快递|物流|发票|流水|工单|编号|序列|型号|商品|合同|货号|批号)(?:'s| is| was| number| no\b| nr\b| id| code|[号碼码為为是#:. №]){0,8}$`)

// identity tells what the run's check digit proves it to be, and where it
// ends.
func (r run) identity(d string) (Type, int) {
	end := r.end()
	last := ""
	if end < len(r.s) {
		last = strings.ToUpper(r.s[end : end+1])
	}
	switch {
	case len(d) == 18 && r.separated(" ") && residentID(d):
		return ResidentID, end
	case len(d) == 17 && last == "X" && r.separated(" ") && residentID(d+last):
		return ResidentID, end + 1
	case len(d) >= 12 && r.card(d) && !r.said(ordered) && !r.said(account):
		return Card, end
	}
	if proved := r.proved(d); proved != "" && !r.said(ordered) {
		return proved, end
	}
	return "", end
}

// proved tells what the shape and the check digit of a run say it is, if it is
// no order's.
func (r run) proved(d string) Type {
	switch {
	case r.shaped(3, 2, 4) && r.separated("-") && !r.touched() || (r.shaped(3, 2, 4) || r.shaped(9)) && r.said(socialSecurity):
		return taxpayer(d)
	case r.shaped(6, 7) && r.separated("-") && koreanID(d, r.vouched),
		(r.shaped(4, 4, 4) && r.separated(" -") || r.shaped(12)) && r.whole && aadhaar(d) && r.personal(d),
		r.shaped(11) && r.whole && !chineseMobile(d) && pesel(d),
		(r.shaped(13) && r.personal(d) || r.shaped(1, 4, 5, 2, 1)) && r.whole && thaiID(d),
		r.shaped(3, 3, 3, 2) && cpf(d):
		return NationalID
	case r.shaped(15) && r.said(residence) && residentID15(d):
		return ResidentID
	case r.shaped(9) && r.whole && strings.HasPrefix(d, "9") && taxpayer(d) == ITIN && r.vouched():
		return ITIN
	}
	return ""
}

// personal tells, of a number whose only proof is one digit, that the text
// vouches for it, and that it is no parcel's or product's by the check digit of
// those unless words say so.
func (r run) personal(d string) bool {
	return r.vouched() && (!goods(d) || r.identified(r.start()))
}

// vouched tells that the text vouches for the run.
func (r run) vouched() bool { return r.scanned.vouched(r.start(), r.end()) }

// residence matches words in front of a Chinese resident's number.
var residence = pattern.MustCompile(`(?i)(?:身份证|身份證|居民证)[^0-9\n]{0,20}$`)

var socialSecurity = pattern.MustCompile(`(?i)(?:\bssn|social security|\bitin)[a-z:# ]*$`)

// account matches the beginning of an international account number: what
// follows is a part of it, also where its check digits are wrong.
var account = pattern.MustCompile(`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){0,8} ?$`)

// cards matches words in front of a card's number.
var cards = pattern.MustCompile(`(?i)(?:cards?|visa|maestro|卡|\bpa(?:id|y|yment) (?:with|by|from)|账号|帳號|账户)[a-z #:.号是为：]{0,16}$`)

// card tells a payment card by its brand's range, its length, its check digit
// and how it is written.
func (r run) card(d string) bool {
	written := len(r.groups) == 1 || r.separated(" ") || r.separated("-")
	for i, g := range r.groups {
		if n := g.end - g.start; len(r.groups) > 1 && (n < 3 || n > 7 || i == 0 && n != 4) {
			return false
		}
	}
	if !written || !luhn(d) {
		return false
	}
	if rare(d) {
		return r.said(cards) || d[0] == '4' && len(d) == 13 && !goods(d) && r.silent(r.start(), r.end())
	}
	return brand(d) && (d[0] != '9' || r.whole) // the longest of the post's numbers begin so, in fours
}

// rare are the lengths that a brand's cards hardly have, and numbers of orders
// and products do: Visa's of 13 and 19 digits, Maestro's of 12 and 13.
func rare(d string) bool {
	n := len(d)
	return (d[0] == '4' || d[0] == '5' || d[0] == '6') && (n == 12 || n == 13 || n == 19 && d[0] == '4')
}

// brand knows the ranges of ISO/IEC 7812 that payment cards use, without the
// lengths that are rare.
func brand(d string) bool {
	n := len(d)
	switch d[0] {
	case '1': // JCB of old
		return n == 15 && d[:4] == "1800"
	case '2': // Mastercard 2221–2720, Mir, JCB of old
		return n == 16 && (d[:4] >= "2221" && d[:4] <= "2720" || d[:4] >= "2200" && d[:4] <= "2204") || n == 15 && d[:4] == "2131"
	case '3': // American Express, Diners Club, JCB
		return n == 15 && (d[1] == '4' || d[1] == '7') || n == 14 && (d[1] == '0' || d[1] == '6' || d[1] == '8' || d[1] == '9') || n >= 16 && d[1] == '5' // 15 digits from 35 on are telephones' (IMEI)
	case '4': // Visa
		return n == 16
	case '5': // Mastercard, Maestro
		return n == 16 || d[1] == '0' || d[1] >= '6'
	case '6': // Discover, UnionPay, Maestro
		return n >= 16 || d[1] == '3' || d[1] == '7'
	case '8': // UnionPay 81
		return d[1] == '1' && n >= 16
	case '9': // UnionPay of some Chinese banks
		return n == 16 && (d[1] == '5' || d[1] == '9')
	}
	return false
}

// taxpayer is the type of nine digits of United States form; empty for numbers
// that are never given out.
func taxpayer(d string) Type {
	area, middle, serial := d[:3], d[3:5], d[5:]
	switch {
	case area == "000" || area == "666" || middle == "00" || serial == "0000":
		return ""
	case area[0] != '9':
		return SSN
	case middle >= "50" && middle <= "65" || middle >= "70" && middle <= "88" || middle >= "90" && middle <= "92" || middle >= "94":
		return ITIN
	}
	return ""
}
