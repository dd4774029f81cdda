package llmsim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// maxDuration bounds what a distribution may be asked for.
const maxDuration = 10 * time.Minute

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// Distribution is how a duration is drawn. The zero value is always 0. Its
// text forms are
//
//	fixed:50ms              always 50 ms
//	uniform:20ms-80ms       evenly between the two
//	lognormal:400ms:2s      median and 99th percentile, the usual shape of latency
type Distribution struct {
	shape shape
	// a and b are the value, the bounds, or median and 99th percentile.
	a, b time.Duration
}

type shape uint8

const (
	fixed shape = iota
	uniform
	lognormal
)

// ParseDistribution reads one of the text forms; durations reach to 10 min.
func ParseDistribution(text string) (Distribution, error) {
	name, rest, _ := strings.Cut(text, ":")
	var d Distribution
	var err error
	switch name {
	case "fixed":
		d.shape = fixed
		d.a, err = parseDuration(rest)
		d.b = d.a
	case "uniform":
		d.shape = uniform
		d.a, d.b, err = parsePair(rest, "-")
	case "lognormal":
		d.shape = lognormal
		d.a, d.b, err = parsePair(rest, ":")
		if err == nil && d.a == 0 {
			err = fmt.Errorf("median must be positive")
		}
	default:
		err = fmt.Errorf("want fixed:50ms, uniform:20ms-80ms or lognormal:400ms:2s")
	}
	if err != nil {
		return Distribution{}, fmt.Errorf("distribution %q: %w", text, err)
	}
	return d, nil
}

func parsePair(text, sep string) (low, high time.Duration, err error) {
	l, h, ok := strings.Cut(text, sep)
	if !ok {
		return 0, 0, fmt.Errorf("want two durations separated by %q", sep)
	}
	if low, err = parseDuration(l); err != nil {
		return 0, 0, err
	}
	if high, err = parseDuration(h); err != nil {
		return 0, 0, err
	}
	if high < low {
		return 0, 0, fmt.Errorf("%s is less than %s", high, low)
	}
	return low, high, nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 50ms", text)
	}
	if d < 0 || d > maxDuration {
		return 0, fmt.Errorf("%s is not within 0 to %s", d, maxDuration)
	}
	return d, nil
}

// String is the form that ParseDistribution reads.
func (d Distribution) String() string {
	switch d.shape {
	case uniform:
		return fmt.Sprintf("uniform:%s-%s", d.a, d.b)
	case lognormal:
		return fmt.Sprintf("lognormal:%s:%s", d.a, d.b)
	default:
		return fmt.Sprintf("fixed:%s", d.a)
	}
}

// MarshalText makes the text form the JSON form too.
func (d Distribution) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a text form; "" is the zero value.
func (d *Distribution) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Distribution{}
		return nil
	}
	parsed, err := ParseDistribution(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Draw returns a duration from 0 to 10 min. It is safe for concurrent use.
func (d Distribution) Draw() time.Duration {
	switch d.shape {
	case uniform:
		return d.a + time.Duration(rand.Float64()*float64(d.b-d.a))
	case lognormal:
		sigma := math.Log(float64(d.b)/float64(d.a)) / z99
		drawn := float64(d.a) * math.Exp(sigma*rand.NormFloat64())
		return time.Duration(min(drawn, float64(maxDuration)))
	default:
		return d.a
	}
}
