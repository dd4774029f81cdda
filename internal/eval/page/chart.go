package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bars compares values: a group of bars for each row, one for each series.
type Bars struct {
	Name   string
	Series []string // names; the same number as each row has values
	Rows   []Row
	Max    float64 // of the scale; 0: the largest value
}

// Row is a group of bars.
type Row struct {
	Label  string
	Values []float64
}

// Lines draws values over the places of X, evenly spaced.
type Lines struct {
	Name   string
	X      []string // labels of the places
	Unit   string   // of the values, for their scale
	Series []Line
	Max    float64 // of the scale; 0: the largest value
}

// Line is one series of values, as many as there are places.
type Line struct {
	Name   string
	Values []float64
}

// The sizes of charts, in the units of their SVG: a page scales them.
const (
	width   = 720.0
	label   = 210.0 // left of bars
	value   = 60.0  // right of them
	bar     = 13.0  // with the space below
	between = 8.0   // groups of bars
	tall    = 220.0 // a chart of lines
	left    = 56.0  // of lines, for their scale
	below   = 28.0
)

// Bar is one bar where it is drawn.
type Bar struct {
	X, Y, Width float64
	Series      int
	Value       string
}

// Group is a row where it is drawn.
type Group struct {
	Label string
	Y     float64
	Bars  []Bar
}

// Groups lays the chart out.
func (b Bars) Groups() []Group {
	top := b.Max
	for _, r := range b.Rows {
		for _, v := range r.Values {
			if b.Max == 0 {
				top = max(top, v)
			}
		}
	}
	groups := make([]Group, len(b.Rows))
	y := 0.0
	for i, r := range b.Rows {
		g := Group{Label: r.Label, Y: y + bar*float64(len(r.Values))/2 + 4}
		for n, v := range r.Values {
			g.Bars = append(g.Bars, Bar{X: label, Y: y, Width: (width - label - value) * scaled(v, top), Series: n, Value: short(v)})
			y += bar
		}
		groups[i] = g
		y += between
	}
	return groups
}

// Height of the chart.
func (b Bars) Height() float64 {
	h := 0.0
	for _, r := range b.Rows {
		h += bar*float64(len(r.Values)) + between
	}
	return h
}

// Right is where a bar ends and its value begins.
func (b Bar) Right() float64 { return b.X + b.Width + 5 }

// Base is the line that the value stands on.
func (b Bar) Base() float64 { return b.Y + bar - 3 }

// Curve is a line where it is drawn.
type Curve struct {
	Points string
	Series int
}

// Tick is a label of a scale.
type Tick struct {
	X, Y float64
	Text string
}

func (l Lines) top() float64 {
	top := l.Max
	for _, s := range l.Series {
		for _, v := range s.Values {
			if l.Max == 0 {
				top = max(top, v)
			}
		}
	}
	return top
}

func (l Lines) x(i int) float64 {
	return left + (width-left-16)*float64(i)/float64(max(1, len(l.X)-1))
}

func (l Lines) y(v float64) float64 { return 10 + (tall-below-10)*(1-scaled(v, l.top())) }

// Curves lays the lines out.
func (l Lines) Curves() []Curve {
	curves := make([]Curve, len(l.Series))
	for i, s := range l.Series {
		var b strings.Builder
		for n, v := range s.Values {
			fmt.Fprintf(&b, "%.1f,%.1f ", l.x(n), l.y(v))
		}
		curves[i] = Curve{strings.TrimSpace(b.String()), i}
	}
	return curves
}

// Places are the labels below, Scale those at the left.
func (l Lines) Places() []Tick {
	ticks := make([]Tick, len(l.X))
	for i, text := range l.X {
		ticks[i] = Tick{l.x(i), tall - 8, text}
	}
	return ticks
}

// Scale is where the values are read off.
func (l Lines) Scale() []Tick {
	var ticks []Tick
	for i := range 5 {
		v := l.top() * float64(i) / 4
		ticks = append(ticks, Tick{left, l.y(v), short(v) + l.Unit})
	}
	return ticks
}

func scaled(v, top float64) float64 {
	if top <= 0 || math.IsNaN(v) {
		return 0
	}
	return min(1, max(0, v/top))
}

// short writes a value in three digits.
func short(v float64) string {
	if math.Abs(v) >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
