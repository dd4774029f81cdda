package mask

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// addresses looks for those of devices and of the internet, networks included.
// The longest comes first: an IPv6 address may end in an IPv4 one.
func (t *scanned) addresses() {
	colons := strings.Count(t.s, ":")
	if colons >= 5 || strings.Count(t.s, "-") >= 5 {
		t.devices(pairs)
	}
	dots := strings.Count(t.s, ".")
	if dots >= 2 {
		t.devices(quads)
	}
	if t.solid {
		t.devices(solidMAC)
	}
	if colons >= 2 {
		t.ipv6()
	}
	if dots < 3 {
		return
	}
	for _, at := range ipv4.FindAllStringIndex(t.s, -1) {
		if t.apart(at[0], at[1]) && ipAddress(t.s[at[0]:at[1]]) && !t.dotted(at[0], at[1]) && !t.release(at[0], at[1]) {
			t.add(IP, at[0], at[1])
		}
	}
}

var (
	pairs = regexp.MustCompile(`\b((?:[0-9a-fA-F]{2}[:-]){5,7}[0-9a-fA-F]{2})\b`)
	quads = regexp.MustCompile(`\b((?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4})\b`)
	// solidMAC has nothing between its digits, so that a word must say it.
	solidMAC = regexp.MustCompile(`(?i)\b(?:mac|bssid)(?: ?(?:address|addr|id|地址))?(?: is|[ :=#是为為])*([0-9a-f]{12})\b`)
	hardware = regexp.MustCompile(`(?i)(?:\bmacs?\b|\bbssid|\b(?:hardware|physical|device|ethernet|wi-?fi|wlan|bluetooth) (?:mac|id|addr)|物理地址|硬件地址|网卡|蓝牙|mac ?地址)[^\n]{0,24}$`)
)

// devices looks for hardware addresses, the group of the pattern.
func (t *scanned) devices(pattern *regexp.Regexp) {
	for _, at := range pattern.FindAllStringSubmatchIndex(t.s, -1) {
		start, end := at[2], at[3]
		a := t.s[start:end]
		// Numbers are told with hyphens and dots too, and lots of them.
		plain := !strings.Contains(a, ":") && !strings.ContainsAny(a, "abcdefABCDEF")
		if t.apart(start, end) && !t.continued(start, end) && device(a) &&
			(!plain || hardware.MatchString(t.s[max(0, start-wordsBefore):start])) {
			t.add(MAC, start, end)
		}
	}
}

// continued tells that s[start:end] is cut out of a longer row of such groups, a
// fingerprint's for instance.
func (t *scanned) continued(start, end int) bool {
	mark, width := t.s[start+2], 2
	if hexadecimal(mark) {
		mark, width = '.', 4
	}
	first := start - 1 - width
	return first >= 0 && t.s[start-1] == mark && hexadecimal(t.s[start-2]) && hexadecimal(t.s[first]) && t.apartLeft(first) ||
		end+1 < len(t.s) && t.s[end] == mark && hexadecimal(t.s[end+1])
}

func hexadecimal(c byte) bool { return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// device tells the address of one device (six octets, or eight: EUI-64) from
// those of none and of all.
func device(s string) bool {
	if len(s) == 12 { // nothing between the digits
		s = s[:4] + "." + s[4:8] + "." + s[8:]
	}
	mac, err := net.ParseMAC(s)
	return err == nil && slices.Min(mac) != slices.Max(mac)
}

func (t *scanned) ipv6() {
	for _, at := range hexColons.FindAllStringIndex(t.s, -1) {
		start, end := at[0], at[1]
		for end > start && (t.s[end-1] == ':' && !strings.HasSuffix(t.s[start:end], "::") || t.s[end-1] == '.') {
			end--
		}
		if !t.apartLeft(start) || t.s[start] == ':' && !strings.HasPrefix(t.s[start:], "::") {
			start += label(t.s[:start], t.s[start:end])
		}
		cut := start > 1 && t.s[start-1] == ':' && start == at[0] || end < len(t.s) && t.s[end] == ':'
		if cut || !t.apart(start, end) || !internet(t.s[start:end]) {
			continue
		}
		if zone := scope.FindString(t.s[end:min(len(t.s), end+20)]); zone != "" {
			end += len(zone)
		}
		t.add(IP, start, end)
	}
}

// label is the length of what the word in front of an address and its colon
// have of it: "src:2001:db8::1", "IPv6:2001:db8::1" (RFC 5321).
func label(before, s string) int {
	group, _, _ := strings.Cut(s, ":")
	if strings.ContainsAny(group, "0123456789") && !(group == "6" && strings.HasSuffix(strings.ToLower(before), "ipv")) {
		return 0 // a word beside an address is neither
	}
	return len(group) + 1
}

// internet tells an IPv6 address from names of programs ("abc::def") and from
// eight pairs of digits.
func internet(s string) bool {
	colons := strings.Count(s, ":")
	return colons >= 2 && ipAddress(s) && (colons > 2 || strings.ContainsAny(s, "0123456789")) && (colons != 7 || len(s) != 23 || s[2] != ':')
}

var (
	ipv4 = regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:/\d{1,2})?\b`)
	// numbered matches what stands in front of four numbers that are none: the
	// word for a version or a part of a book, a product of RFC 9110 as in
	// "Chrome/120.0.0.0", and the signs of package managers.
	numbered = regexp.MustCompile(`(?i:\b(?:versions?|firmware|build|ver\.?|release|software|driver|app|patch|sdk|(?:upgrad|updat)ed?(?: it)? to|sections?|chapter|clause|paragraph|appendix|step|table|figure)(?: is| to| was)?[ :]*|(?:版本|固件|驱动|软件|升级到|更新到|章节|步骤|第|条款)(?:号|號)?[为為是: ]*)$|(?:^|[\s("])[A-Z][A-Za-z]+/$|[§^]\s?$|[=~>]=\s?$|~> ?$`)
	// released matches what stands behind a version.
	released  = regexp.MustCompile(`(?i)^(?:[-+.]?(?:alpha|beta|rc|snapshot|dev|pre|release|final|ga|build|hotfix)\b|\.(?:tar|zip|jar|exe|dmg|apk|ipa|deb|rpm|msi|whl|gz|tgz|iso|bin|img)\b| ?(?:版本|版|(?:version|release|firmware|update|build)\b))`)
	hexColons = regexp.MustCompile(`[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,8}(?:\.\d{1,3}){0,3}(?:/\d{1,3})?`)
	scope     = regexp.MustCompile(`^%[0-9A-Za-z]+`)
)

// release tells that s[start:end] numbers a version, or a part of a book.
func (t *scanned) release(start, end int) bool {
	return numbered.MatchString(t.s[max(0, start-wordsBefore):start]) || released.MatchString(t.s[end:min(len(t.s), end+16)])
}

// dotted tells that further numbers are joined by dots, as in versions.
func (t *scanned) dotted(start, end int) bool {
	return start > 1 && t.s[start-1] == '.' && digit(t.s[start-2]) || end+1 < len(t.s) && t.s[end] == '.' && digit(t.s[end+1])
}

func ipAddress(s string) bool {
	if s == "::" {
		return false
	}
	if strings.Contains(s, "/") {
		_, err := netip.ParsePrefix(s)
		return err == nil
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}
