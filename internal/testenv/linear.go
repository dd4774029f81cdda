package testenv

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// mostGrowth is how much longer 25 times the text may take: linear work takes
// 25 times as long, quadratic 625.
const mostGrowth = 100

// Linear fails the test unless f takes at most 5 ms for 4 KB and 130 ms for
// 100 KB of each text repeated, and the one not more than 100 times the other,
// in time of the processor: what else runs on the machine does not count. The
// best of some tries counts, and under the race detector twelve times the
// bound, since regular expressions are slower by as much there.
func Linear(t *testing.T, f func(text string), texts map[string]string) {
	t.Helper()
	for name, unit := range texts {
		var small time.Duration // what 4 KB took, at least a tenth of its bound
		for _, size := range []struct {
			bytes int
			bound time.Duration
		}{{4 << 10, 5 * time.Millisecond}, {100 << 10, 130 * time.Millisecond}} {
			text := strings.Repeat(unit, size.bytes/len(unit))
			bound := size.bound
			if raceDetector {
				bound *= 12
			}
			best := time.Hour
			for try := 0; try < 3 || try < 10 && best > bound; try++ {
				start := processorTime(t)
				f(text)
				best = min(best, processorTime(t)-start)
			}
			if best > bound {
				t.Errorf("%d bytes of %s took %s, want at most %s", size.bytes, name, best, bound)
			}
			if small > 0 && best > mostGrowth*small {
				t.Errorf("%d bytes of %s took %s, 4 KB %s: the time grows faster than the text", size.bytes, name, best, small)
			}
			small = max(best, bound/10)
		}
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
