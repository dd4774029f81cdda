package mask

import (
	"math"
	"regexp"
	"strings"
)

// secrets looks for credentials: what vendors' keys look like, what stands
// behind a word for a credential, and what looks random.
func (t *scanned) secrets() {
	t.shaped(forms)
	if unbroken(t.s) >= solidFrom {
		t.shaped(solid)
	}
	t.named()
	t.tokens()
}

// shaped looks for credentials with a shape of their own.
func (t *scanned) shaped(forms []form) {
	for _, f := range forms {
		if !strings.Contains(t.s, f.needle) {
			continue
		}
		for _, at := range f.pattern.FindAllStringSubmatchIndex(t.s, -1) {
			if start, end := at[len(at)-2], at[len(at)-1]; (f.strict || varied(t.s[start:end])) && !t.example(start, end) {
				t.add(Secret, start, end)
			}
		}
	}
}

// unbroken is the length of the longest piece of s between white space.
func unbroken(s string) (longest int) {
	for piece := range strings.FieldsSeq(s) {
		longest = max(longest, len(piece))
	}
	return longest
}

// form is a credential with a shape of its own; the last group is the
// credential.
type form struct {
	needle  string // stands in every match
	pattern *regexp.Regexp
	strict  bool // nothing else looks like it, not even with an x for each character
}

// forms are read only.
var forms = []form{
	{"PRIVATE KEY", regexp.MustCompile(`(-----BEGIN [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----[^-]{20,}(?:-----END [A-Z ]{0,20}PRIVATE KEY(?: BLOCK)?-----)?)`), false},
	{"eyJ", regexp.MustCompile(`\b(?:ops_)?(eyJ[A-Za-z0-9_-]{14,}(?:\.[A-Za-z0-9_-]{10,}){1,3}|eyJ[A-Za-z0-9_-]{60,})`), false},
	{"://", regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/:@"'<>]{1,64}:[^\s/@"'<>]{2,128})@`), false},
	{"AP", regexp.MustCompile(`\b(AP[0-9A-F][a-z0-9]{10,})\b`), true},
	{"AKC", regexp.MustCompile(`\b(AKC[a-zA-Z0-9]{10,})\b`), true},
	{"SK", regexp.MustCompile(`\b(SK[a-z0-9]{32})\b`), true},
	{"GR1348941", regexp.MustCompile(`\b(GR1348941[A-Za-z0-9_-]{20})\b`), false},
	{"SG.", regexp.MustCompile(`\b(SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64})`), false},
	{"xox", regexp.MustCompile(`\b(xox[a-z]-(?:\d-)?(?:\d{7,14}-){1,3}[A-Za-z0-9]{8,})(?:[^-#A-Za-z0-9]|$)`), false},
	{"xoxe", regexp.MustCompile(`\b(xoxe(?:\.xox[bp])?-\d-[A-Za-z0-9]{80,})`), false},
	{"Q~", regexp.MustCompile(`([A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34})`), false},
	{":AA", regexp.MustCompile(`\b(\d{8,10}:AA[A-Za-z0-9_-]{33})`), false},
	{"-us", regexp.MustCompile(`\b([0-9a-f]{32}-us\d{1,2})\b`), false},
	{"hooks.", regexp.MustCompile(`hooks\.[a-z0-9.-]+/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{24,})`), false},
	{"AccountKey=", regexp.MustCompile(`AccountKey=([A-Za-z0-9+/=]{40,})`), false},
	{"sha256~", regexp.MustCompile(`(sha256~[\w@=.+/-]{12,})`), false},
	{"uthorization", regexp.MustCompile(`[Aa]uthorization["']?\s*[:=]\s*["']?(?:[A-Za-z][A-Za-z-]{2,15}\s+)?([A-Za-z0-9_.~+/=@:-]{16,})`), false},
	{"earer ", regexp.MustCompile(`\b[Bb]earer ([A-Za-z0-9_.~+/=-]{16,})`), false},
	{"curl", regexp.MustCompile(`\bcurl\b[^\n]{0,400}?\s(?:-u|--user)[ =]*["']?([^\s"'$<>]{3,64}"?:"?[^\s"'$<>]{6,64})`), false},
	{"-user", regexp.MustCompile(`--user[ =]+["']?([^\s"'$<>]{3,64}:[^\s"'$<>]{6,64})`), false},
	{"Password\" value", regexp.MustCompile(`Password" value="([^"$%{]{4}[^"${]{4,60})"`), false},
	{"|", regexp.MustCompile(`\b(\d{13,18}\|[A-Za-z0-9_-]{24,})`), false},
	{"Secret", regexp.MustCompile(`(?s)(?:^|\n)kind:\s*["']?Secret["']?\s(?:[^-]|-[^-]|--[^-])*?\n\s+["']?\.?[\w.-]+["']?:\s*(?:[|>]\s+)?["']?([A-Za-z0-9+/]{11,}={0,2})`), false},
	{"data:", regexp.MustCompile(`(?s)(?:^|\n)data:\s*\n\s+["']?\.?[\w.-]+["']?:\s*(?:[|>]\s+)?["']?([A-Za-z0-9+/]{11,}={0,2}).{0,600}\nkind:\s*["']?Secret\b`), false},
}

// solid are the forms whose needle stands in most texts, but none of whose
// matches is shorter than solidFrom bytes without white space. Read only.
var solid = []form{
	{"A", regexp.MustCompile(`\b((?:A3T[0-9A-Z]|A[KSB]IA|ACCA)[0-9A-Z]{16})\b`), true},
	{".", regexp.MustCompile(`\b([MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38})\b`), false},
}

const solidFrom = 20

// passwordItself matches the word for what should stand in its place.
var passwordItself = regexp.MustCompile(`(?i)^["\[{(<$%]*(?:[a-z]+[_-])?(?:pass|passwd|password|pwd|pw|secret|token|key)["\]})>%]*$`)

// named looks at what is said to be a credential.
func (t *scanned) named() {
	for i := 0; i < len(t.s); i++ {
		word := credentialWord(t.s[i:])
		if word == 0 {
			continue
		}
		if word > 3 || t.partOfName(i, i+word) {
			t.assigned(i, i+word)
		}
		window := t.s[i:min(len(t.s), i+spokenWithin)]
		if !strings.ContainsAny(window, "0123456789") {
			i += word - 1
			continue
		}
		for _, pattern := range [...]*regexp.Regexp{spokenCode, spokenPassword} {
			if at := pattern.FindStringSubmatchIndex(window); at != nil && t.apartLeft(i) && !t.postal(i, window[at[2]:at[3]]) && strings.ContainsAny(window[at[2]:at[3]], "0123456789") && !dummy.MatchString(window[at[2]:at[3]]) {
				t.add(Secret, i+at[2], i+at[3])
			}
		}
		i += word - 1
	}
}

// postal tells that a code of six digits is where somebody lives: India calls
// its postal codes PIN codes, and customers ask what is delivered there.
func (t *scanned) postal(at int, code string) bool {
	return len(code) == 6 && strings.EqualFold(t.s[at:min(len(t.s), at+3)], "pin") && delivered.MatchString(t.s[max(0, at-2*wordsBefore):at])
}

var delivered = regexp.MustCompile(`(?i)\b(?:deliver|ship|courier|dispatch|service|provision|available|address|area|locat|city|town|villag|live|stay)`)

// partOfName tells that s[start:end] is a word of its own in a name, which goes
// on with another case or sort of character: "cardPin" and "pin_1", and not
// "shipping".
func (t *scanned) partOfName(start, end int) bool {
	before := start == 0 || !letter(t.s[start-1]) || sort(t.s[start-1]) == 1 && sort(t.s[start]) == 2
	return before && (end == len(t.s) || sort(t.s[end]) != 1)
}

// assigned looks for a value behind the name that holds the word s[start:end].
func (t *scanned) assigned(start, end int) {
	for n := 0; start > 0 && n < 30 && nameChar(t.s[start-1]); n++ {
		start--
	}
	for n := 0; end < len(t.s) && n < 40 && nameChar(t.s[end]); n++ {
		end++
	}
	window := t.s[end:min(len(t.s), end+valueWithin)]
	at := assignment.FindStringSubmatchIndex(window)
	if at == nil {
		return
	}
	value := window[at[4]:at[5]]
	if credentialValue(strings.ToLower(t.s[start:end]), strings.TrimSpace(window[at[2]:at[3]]), value) && !t.minified(start, end, end+at[5]) {
		t.add(Secret, end+at[4], end+at[5])
	}
}

func nameChar(c byte) bool { return letter(c) || digit(c) || c == '_' || c == '.' || c == '-' }

// How far a credential and the word for it reach, in bytes.
const (
	valueWithin  = 240
	spokenWithin = 100
)

var (
	assignment = regexp.MustCompile(`^["'\]]{0,2}\s{0,3}(:=|=>|\?=|::=|\|\|:|==|=|:|\s)[>=\s]{0,3}["'` + "`" + `]{0,2}([^\s"'` + "`" + `<>,;()]{6,200})`)
	// spokenPassword is how people tell each other one.
	spokenPassword = regexp.MustCompile(`^(?i:pass(?:word|code|phrase)|pwd|密码|密碼|口令)(?:\s*(?:is|was|to|as|为|為|是|改成|设为|[:=]))\s*["'“「]?([!-~]{4,64}?)["'”」]?(?:[\s,。，;；]|\.\s|\.?$|[^!-~])`)
	spokenCode     = regexp.MustCompile(`^(?i:cvv2?|cvc2?|security code|pin(?: code)?|otp|one[- ]time (?:code|password)|verification code|验证码|驗證碼|安全码|支付密码|取款密码)(?:\s*(?:is|was|为|為|是|[:=#]))?\s*(\d{3,8})\b`)
)

// credentialWords are words for a credential by their first byte; read only.
var credentialWords = byFirst(
	"api_key", "api-key", "api.key", "apikey", "access_key", "access-key", "accesskey", "access_id", "secret", "token", "password", "passwd", "passcode", "passphrase", "pwd", "credential",
	"auth", "-key", ".key", "login", "bundle_", "密码", "密碼", "口令", "cvv", "cvc", "security code", "pin", "otp", "one-time", "one time", "verification code", "验证码", "驗證碼", "安全码", "支付密码", "取款密码",
)

func byFirst(words ...string) (all [256][]string) {
	for _, w := range words {
		all[w[0]] = append(all[w[0]], w)
	}
	return all
}

// credentialWord is the length of the word for a credential that s begins
// with, 0 for none.
func credentialWord(s string) int {
	for _, w := range credentialWords[s[0]|0x20] {
		if len(s) >= len(w) && strings.EqualFold(s[:len(w)], w) {
			return len(w)
		}
	}
	return 0
}

// credentialValue judges what is assigned to a name.
func credentialValue(name, sign, value string) bool {
	telling := strings.ContainsAny(value, "0123456789")
	switch {
	case !telling && (!strings.Contains(name, "pass") || mixed(value) < 3) && !strings.Contains(name, "bundle_"):
		return false
	case dummy.MatchString(value), sign == "" && !strings.Contains(name, "token"), strings.HasSuffix(name, "id") && !strings.Contains(name, "access"), notSecret.MatchString(name):
		return false
	case strings.Contains(name, "bundle_"):
		return credentials.MatchString(value)
	case ownHex.MatchString(value):
		return len(value)%8 == 0 && (strings.ToLower(value) == value || strings.ToUpper(value) == value)
	case wordy(value), abbreviated(value), !strings.Contains(name, "pass") && !strings.Contains(name, "pwd") && identifier(value):
		return false
	case uuid.MatchString(value):
		return value[14] != '1' && (strings.Contains(name, "token") || strings.Contains(name, "secret") || strings.Contains(name, "password")) // version 1 is a time and a place
	}
	if len(value) < 10 || !telling || path.MatchString(value) {
		return strings.Contains(name, "pass") && sign != "" && mixed(value) >= 3
	}
	return entropy(value) >= 3 && (mixed(value) >= 3 || mixed(value) == 2 && len(value) >= 20 && entropy(value) >= 3.2)
}

var (
	// dummy values are variables, examples and what was blotted out.
	dummy     = regexp.MustCompile(`(?i)^[$%{\[(*&.]|example|x{5}|\*{4}|#{4}|your|insert|placeholder|changeme|fake|redacted|^username:password|^enc\[|^var\.|^env\.|[({]|%s|not_long|(?:1234567890){2}`)
	notSecret = regexp.MustCompile(`public|keystr|key_?(?:length|file|store|press|id|ring|space|stone|ed\b)|endpoint|url|path|file|count|type|expir|_env$|checksum|digest|fingerprint|sha-?\d|md5|author|name|auth(?:source|entication-results|or)|monkey|turkey|hockey`)
	uuid      = regexp.MustCompile(`^(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	// ownHex are hexadecimal keys, which come in whole numbers of 32 bits.
	ownHex      = regexp.MustCompile(`^[0-9a-fA-F]{30,}[0-9A-Za-z]{0,4}$`)
	credentials = regexp.MustCompile(`^[\w.-]{4,}:[\w.-]{4,};?$`)
	path        = regexp.MustCompile(`^(?:https?:|/|\./)|\.(?:com|org|net|io|de|cn|js|ts|go|py|pem|p12|key|json|ya?ml|html?)\b|^[a-z]+(?:[._-][a-z0-9]+)*$`)
)

// wordy values are words with something between them, as names are.
func wordy(s string) bool {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		if !word.MatchString(part) {
			return false
		}
	}
	return strings.ContainsAny(s, "-_.")
}

var word = regexp.MustCompile(`^(?:[A-Z]?[a-z]{2,}(?:[A-Z][a-z]+){0,3}\d{0,5}|[A-Z]{2,8}|[a-z]{1,3}|\d{1,8})$`)

// mixed counts the sorts of characters: small and capital letters, digits,
// others.
func mixed(s string) int {
	var small, capital, figure, other int
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z':
			small = 1
		case 'A' <= c && c <= 'Z':
			capital = 1
		case digit(c):
			figure = 1
		default:
			other = 1
		}
	}
	return small + capital + figure + other
}

// entropy is Shannon's, in bits a character.
func entropy(s string) float64 {
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	h := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(s))
			h -= p * math.Log2(p)
		}
	}
	return h
}

// varied refuses what was blotted out.
func varied(s string) bool {
	return entropy(s) >= 2.5 && !strings.Contains(strings.ToLower(s), "xxxxx") && !strings.Contains(s, "####") && !strings.Contains(s, "****")
}
