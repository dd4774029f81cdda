package main

import (
	"strings"
	"testing"
)

func TestOnlyAClearYesIsAYes(t *testing.T) {
	for line, want := range map[string]bool{
		"y\n": true, "YES\n": true, " yes \r\n": true, "是\n": true, "确认\n": true, "y": true,
		"\n": false, "": false, "n\n": false, "maybe\n": false, "yes please\n": false, "否\n": false,
	} {
		if got, err := agreed(strings.NewReader(line)); got != want || err != nil {
			t.Errorf("agreed(%q) = %v, %v, want %v", line, got, err, want)
		}
	}
}
