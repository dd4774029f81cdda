package mask

import (
	"strconv"
	"strings"
	"time"
)

func digits(s string) []int {
	ds := make([]int, len(s))
	for i := range len(s) {
		ds[i] = int(s[i] - '0')
	}
	return ds
}

// luhn checks the last digit of a payment card (ISO/IEC 7812-1).
func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0 && strings.Trim(s, s[:1]) != ""
}

// weighted is the sum of digits times their weights.
func weighted(s string, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += int(s[i]-'0') * w
	}
	return sum
}

// day tells that somebody who is alive may have been born on yyyymmdd: it is not
// to come, and 125 years ago at most. Nobody is known to have lived longer than
// 122.
func day(yyyymmdd string) bool {
	t, err := time.Parse("20060102", yyyymmdd)
	now := time.Now()
	return err == nil && t.Before(now) && t.After(now.AddDate(-125, 0, 0))
}

// residentID checks date and eighteenth character of GB 11643-1999.
func residentID(s string) bool {
	sum := weighted(s, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
	return s[0] != '0' && "10X98765432"[sum%11] == s[17] && day(s[6:14])
}

// residentID15 checks the province and the date of a number as China gave them
// out until 1999.
func residentID15(s string) bool {
	return strings.IndexByte("123456", s[0]) >= 0 && s[1] != '0' && day("19"+s[6:12])
}

// koreanID checks date, century and last digit of a resident registration
// number, of which foreigners have another. What was given out since October
// 2020, to the new-born and to whoever asked for a new number, has no check
// digit: then it is for vouched to say.
func koreanID(s string, vouched func() bool) bool {
	if s[6] == '0' || s[6] == '9' { // of the 19th century
		return false
	}
	born := [...]string{"19", "19", "20", "20"}[(s[6]-'1')%4] + s[:6]
	base := 11
	if s[6] >= '5' {
		base = 13
	}
	sum := weighted(s, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
	return day(born) && ((base-sum%11)%10 == int(s[12]-'0') || s[6] < '5' && vouched())
}

// pesel checks date and last digit of a Polish number; the month says the
// century.
func pesel(s string) bool {
	month := weighted(s[2:4], 10, 1)
	century := [...]string{"19", "20", "21", "22", "18"}[month/20]
	sum := weighted(s, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)
	return day(century+s[:2]+twoDigits(month%20)+s[4:6]) && (10-sum%10)%10 == int(s[10]-'0')
}

func twoDigits(n int) string { return strconv.Itoa(n/10) + strconv.Itoa(n%10) }

// thaiID checks kind, province and last digit of a Thai number.
func thaiID(s string) bool {
	sum := weighted(s, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
	unknownProvince := strings.Contains(" 28 29 59 68 69 78 79 87 88 89 97 98 99 ", " "+s[1:3]+" ")
	return s[0] >= '1' && s[0] <= '8' && s[1] != '0' && !unknownProvince && (11-sum%11)%10 == int(s[12]-'0')
}

// cpf checks the two last digits of a Brazilian number.
func cpf(s string) bool {
	first := weighted(s, 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	second := weighted(s, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2) * 10 % 11 % 10
	return first == int(s[9]-'0') && second == int(s[10]-'0')
}

// aadhaar checks the last digit of an Indian number (Verhoeff's scheme).
func aadhaar(s string) bool {
	if s[0] < '2' {
		return false
	}
	const permute = "01234567891576283094580379614289160435279453126870428657390127938064157046913258"
	c := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		c = dihedral(c, int(permute[i%8*10+d]-'0'))
	}
	return c == 0
}

// dihedral multiplies in the symmetry group of the pentagon.
func dihedral(a, b int) int {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return 5 + (a+b)%5
	case b < 5:
		return 5 + (a-b+5)%5
	}
	return (a - b + 5) % 5
}

// fiscalCode checks the last letter of an Italian number (decree of 23
// December 1976): odd places count by a table, even ones by their order.
func fiscalCode(s string) bool {
	const odd = "BAKPLCQDREVOSFTGUHMINJWZYX" // by their value
	sum := 0
	for i := range 15 {
		n := int(s[i] - 'A')
		if digit(s[i]) {
			n = int(s[i] - '0')
		}
		if i%2 == 0 {
			n = strings.IndexByte(odd, 'A'+byte(n))
		}
		sum += n
	}
	return int(s[15]-'A') == sum%26
}
