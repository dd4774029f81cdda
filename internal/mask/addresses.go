package mask

import (
	"crypto/sha256"
	"math/big"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// emails expands around each at sign, as far as the lengths of RFC 5321 allow.
func (t *scanned) emails() {
	for i := 0; i < len(t.s); i++ {
		if t.s[i] != '@' {
			continue
		}
		start := i
		for start > 0 && i-start < 64 {
			r, n := utf8.DecodeLastRuneInString(t.s[:start])
			if !local(r) {
				break
			}
			start -= n
		}
		for start < i && (t.s[start] == '.' || t.s[start] == '-' || t.s[start] == '\'') {
			start++
		}
		if end := i + 1 + domain(t.s[i+1:]); start < i && end > i+1 && !enlarged.MatchString(t.s[i:end]) && t.add(Email, start, end) {
			i = end - 1
		}
	}
}

// enlarged matches how pictures for fine screens are named: "logo@2x.png".
var enlarged = regexp.MustCompile(`^@[1-9]x\.(?:png|jpe?g|gif|webp|svg)$`)

// local is a character of the part before the at sign. Han characters there
// are the sentence around it, and an equals sign ends the name of a parameter
// more often than it belongs to an address.
func local(r rune) bool {
	return r < utf8.RuneSelf && (letter(byte(r)) || digit(byte(r)) || strings.ContainsRune(".!#$%&'*+/?^_`{|}~-", r)) ||
		r >= utf8.RuneSelf && r != utf8.RuneError && unicode.In(r, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Mn)
}

// domain is the length of the domain that s begins with, 0 for none: labels of
// letters, digits and hyphens, and a last one of letters.
func domain(s string) int {
	end, label, labels := 0, 0, 0
	for i, r := range s[:min(len(s), 255)] {
		switch {
		case r == '.' && i > label:
			if last := topLevel(s[label:i]); labels > 0 && last > 0 {
				end = label + last
			}
			label, labels = i+1, labels+1
		case r == '-' && i > label || r != '-' && r != '.' && (r < utf8.RuneSelf && (letter(byte(r)) || digit(byte(r))) || r >= utf8.RuneSelf && unicode.IsLetter(r)):
		default:
			if last := topLevel(s[label:i]); labels > 0 && last > 0 {
				end = label + last
			}
			return end
		}
	}
	if last := topLevel(s[label:min(len(s), 255)]); labels > 0 && last > 0 {
		end = label + last
	}
	return end
}

// topLevel is the length of the top-level domain that s begins with, 0 for
// none.
func topLevel(s string) int {
	n := 0
	for n < len(s) && (letter(s[n]) || strings.HasPrefix(s, "xn--") && s[n] < utf8.RuneSelf) {
		n++
	}
	switch {
	case n >= 2 && n <= 59:
		return n
	case n == 0:
		for _, han := range [...]string{"中国", "公司", "网络", "рф"} {
			if strings.HasPrefix(s, han) {
				return len(han)
			}
		}
	}
	return 0
}

// lengths of account numbers, by country (SWIFT's IBAN registry, release 99,
// and the countries that use the form without being registered).
const ibanLengths = " AD24 AE23 AL28 AO25 AT20 AZ28 BA20 BE16 BF28 BG22 BH22 BI27 BJ28 BR29 BY28 CF27 CG27 CH21 CI28 CM27 CR22 CV25 CY28 CZ24 DE22 DJ27 DK18 DO28 DZ26 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GA27 GB22 GE22 GI23 GL18 GQ27 GR27 GT28 GW25 HN28 HR21 HU28 IE22 IL23 IQ23 IR26 IS26 IT27 JO30 KM27 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MA28 MC27 MD24 ME22 MG27 MK19 ML28 MN20 MR27 MT31 MU30 MZ25 NE28 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SN28 SO23 ST25 SV28 TD27 TG28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 "

// ibans reads, from each country code with two digits, as many letters and
// digits as the country's numbers have.
func (t *scanned) ibans() {
	if t.digits < fewestDigits || !t.letters {
		return
	}
	for i := 0; i+15 <= len(t.s); i++ {
		if !letter(t.s[i]) || !letter(t.s[i+1]) || !digit(t.s[i+2]) || !digit(t.s[i+3]) || !t.apartLeft(i) {
			continue
		}
		at := strings.Index(ibanLengths, " "+strings.ToUpper(t.s[i:i+2]))
		if at < 0 {
			continue
		}
		account, end := t.collect(i, number(ibanLengths[at+3:at+5]))
		if account != "" && mod97(account) && t.apart(i, end) && t.add(IBAN, i, end) {
			i = end - 1
		}
	}
}

// collect reads n letters and digits from i, with a blank or hyphen between
// them now and then.
func (t *scanned) collect(i, n int) (string, int) {
	out := make([]byte, 0, n)
	for gap := false; i < len(t.s); i++ {
		switch c := t.s[i]; {
		case letter(c) || digit(c):
			gap = false
			if out = append(out, c); len(out) == n {
				return strings.ToUpper(string(out)), i + 1
			}
		case (c == ' ' || c == '-') && !gap:
			gap = true
		default:
			return "", i
		}
	}
	return "", i
}

// mod97 checks an account number (ISO 13616).
func mod97(s string) bool {
	rest := 0
	for _, c := range s[4:] + s[:4] {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest == 1
}

// cryptos looks for addresses of Bitcoin and those who share its checksums,
// and of Ethereum.
func (t *scanned) cryptos() {
	if !t.long {
		return
	}
	for _, at := range wallet.FindAllStringIndex(t.s, -1) {
		if a := t.s[at[0]:at[1]]; t.apart(at[0], at[1]) && (strings.HasPrefix(a, "0x") || bech32(a) || base58Check(a)) {
			t.add(Crypto, at[0], at[1])
		}
	}
}

var wallet = regexp.MustCompile(`\b(?:0x[0-9a-fA-F]{40}|(?i:bc|tb|bcrt|ltc|tltc)1[0-9a-zA-Z]{11,78}|[1-9A-HJ-NP-Za-km-z]{25,35})\b`)

// bech32 checks an address that names its network in front of the last 1 (BIP
// 173 and 350).
func bech32(s string) bool {
	one := strings.LastIndexByte(s, '1')
	if one < 1 || strings.ToLower(s) != s && strings.ToUpper(s) != s {
		return false
	}
	s = strings.ToLower(s)
	sum := uint32(1)
	step := func(v int) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	for i := range one {
		step(int(s[i]) >> 5)
	}
	step(0)
	for i := range one {
		step(int(s[i]) & 31)
	}
	for i := one + 1; i < len(s); i++ {
		v := strings.IndexByte("qpzry9x8gf2tvdw0s3jn54khce6mua7l", s[i])
		if v < 0 {
			return false
		}
		step(v)
	}
	return sum == 1 || sum == 0x2bc830a3
}

// base58Check checks the four last of 25 bytes.
func base58Check(s string) bool {
	n := new(big.Int)
	for i := range len(s) {
		v := strings.IndexByte("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", s[i])
		if v < 0 {
			return false
		}
		n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(v)))
	}
	if n.BitLen() > 25*8 {
		return false
	}
	raw := n.FillBytes(make([]byte, 25))
	first := sha256.Sum256(raw[:21])
	second := sha256.Sum256(first[:])
	return string(raw[21:]) == string(second[:4])
}
