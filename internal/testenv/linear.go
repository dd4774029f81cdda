package testenv

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// mostGrowth is how much longer 16 times the text may take: linear work takes
// 16 times as long, quadratic 256.
const mostGrowth = 64

// Linear fails the test when f takes more than 64 times as long for 64 KB of
// one of the texts repeated as for 4 KB of it, in time of the processor: what
// else runs on the machine, and how fast it is, does not count. The best of
// some tries of both is compared.
func Linear(t *testing.T, f func(text string), texts map[string]string) {
	t.Helper()
	for name, unit := range texts {
		small, large := strings.Repeat(unit, 4<<10/len(unit)), strings.Repeat(unit, 64<<10/len(unit))
		// Below a tenth of a millisecond the clock is what is measured.
		least, most := time.Hour, time.Hour
		for try := 0; try < 2 || try < 6 && most > mostGrowth*least; try++ {
			least = min(least, max(processorTime(t, f, small), 100*time.Microsecond))
			most = min(most, processorTime(t, f, large))
		}
		if most > mostGrowth*least {
			t.Errorf("64 KB of %s took %s, 4 KB %s: the time grows faster than the text", name, most, least)
		}
	}
}

// processorTime is what this process spends while f reads text.
func processorTime(t *testing.T, f func(text string), text string) time.Duration {
	t.Helper()
	start := used(t)
	f(text)
	return used(t) - start
}

func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
