package price

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"kefu/internal/desk"
)

// MaxAge is how long a table is trusted without a warning. Prices of the large
// vendors changed about monthly in 2026.
const MaxAge = 30 * 24 * time.Hour

//go:embed prices.json
var embedded []byte

// Table maps models to prices. It does not change and is safe for concurrent
// use.
type Table struct {
	checked time.Time
	prices  map[string][]Price // by model, in order of From
}

// Default is the table that was compiled in.
func Default() (*Table, error) {
	t, err := parse(embedded)
	if err != nil {
		return nil, fmt.Errorf("embedded prices: %w", err)
	}
	return t, nil
}

// Load is the default table corrected by a file of the same format: a model
// that the file names has the prices given there and no others. Its vendor, its
// window and its longest completion stay where the file does not say them. The
// file's "checked" day, where it has one, becomes the day of the whole table.
func Load(file string) (*Table, error) {
	t, err := Default()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("price file: %w", err)
	}
	over, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("price file %s: %w", file, err)
	}
	for model, rows := range over.prices {
		for _, known := range t.rows(model) {
			for i := range rows {
				rows[i].Vendor = cmp.Or(rows[i].Vendor, known.Vendor)
				rows[i].Window = cmp.Or(rows[i].Window, known.Window)
				rows[i].MaxOutput = cmp.Or(rows[i].MaxOutput, known.MaxOutput)
			}
		}
	}
	maps.Copy(t.prices, over.prices)
	if !over.checked.IsZero() {
		t.checked = over.checked
	}
	return t, nil
}

// Lookup returns today's price of a model. A dated snapshot that has no price
// of its own, such as gpt-4o-mini-2024-07-18, costs what its model costs.
func (t *Table) Lookup(model string) (Price, bool) {
	return t.at(model, time.Now())
}

func (t *Table) at(model string, now time.Time) (Price, bool) {
	for _, p := range slices.Backward(t.rows(model)) {
		if !now.Before(p.From) && (p.Until.IsZero() || now.Before(p.Until.AddDate(0, 0, 1))) {
			return p, true
		}
	}
	return Price{}, false
}

// rows are the prices of a model, or of the one that it is a snapshot of.
func (t *Table) rows(model string) []Price {
	if rows, ok := t.prices[model]; ok {
		return rows
	}
	return t.prices[undated(model)]
}

// undated strips "-2024-07-18" or "-20240718" from the end of a model's name.
func undated(model string) string {
	for _, layout := range []string{"-2006-01-02", "-20060102"} {
		if cut := len(model) - len(layout); cut > 0 {
			if _, err := time.Parse(layout, model[cut:]); err == nil {
				return model[:cut]
			}
		}
	}
	return model
}

// Checked is the day on which the table was last compared with its sources.
func (t *Table) Checked() time.Time { return t.checked }

// Stale reports that the table was checked more than MaxAge ago.
func (t *Table) Stale(now time.Time) bool { return now.Sub(t.checked) > MaxAge }

// Rows lists every price by vendor, model and first day.
func (t *Table) Rows() []Price {
	rows := slices.Concat(slices.Collect(maps.Values(t.prices))...)
	slices.SortFunc(rows, func(a, b Price) int {
		return cmp.Or(cmp.Compare(a.Vendor, b.Vendor), cmp.Compare(a.Model, b.Model), a.From.Compare(b.From))
	})
	return rows
}

// MarshalJSON writes the table as Load reads it.
func (t *Table) MarshalJSON() ([]byte, error) {
	out := tableJSON{Checked: dayText(t.checked)}
	for _, p := range t.Rows() {
		row := priceJSON{
			Model: p.Model, Vendor: p.Vendor, rateJSON: newRateJSON(p.Rate), Window: p.Window, MaxOutput: p.MaxOutput,
			From: dayText(p.From), Until: dayText(p.Until), Source: p.Source, Confirmed: p.Confirmed, Note: p.Note,
		}
		if !p.Checked.Equal(t.checked) {
			row.Checked = dayText(p.Checked)
		}
		for _, tier := range p.Tiers {
			row.Tiers = append(row.Tiers, tierJSON{tier.Above, newRateJSON(tier.Rate)})
		}
		out.Prices = append(out.Prices, row)
	}
	return json.Marshal(out)
}

func newRateJSON(r Rate) rateJSON {
	return rateJSON{Input: new(r.Input.USD()), Cached: new(r.Cached.USD()), Output: new(r.Output.USD())}
}

func dayText(day time.Time) string {
	if day.IsZero() {
		return ""
	}
	return day.Format(time.DateOnly)
}

// The format of prices.json: amounts in dollars per million tokens, days as
// 2006-01-02. "checked" of a row defaults to that of the table, "cached" to
// "input".
type (
	tableJSON struct {
		Checked string      `json:"checked,omitempty"`
		Prices  []priceJSON `json:"prices"`
	}
	rateJSON struct {
		Input  *float64 `json:"input"`
		Cached *float64 `json:"cached"`
		Output *float64 `json:"output"`
	}
	tierJSON struct {
		Above int `json:"above"`
		rateJSON
	}
	priceJSON struct {
		Model  string `json:"model"`
		Vendor string `json:"vendor,omitempty"`
		rateJSON
		Tiers     []tierJSON `json:"tiers,omitempty"`
		Window    int        `json:"window,omitempty"`
		MaxOutput int        `json:"max_output,omitempty"`
		From      string     `json:"from,omitempty"`
		Until     string     `json:"until,omitempty"`
		Source    string     `json:"source,omitempty"`
		Checked   string     `json:"checked,omitempty"`
		Confirmed bool       `json:"confirmed,omitempty"`
		Note      string     `json:"note,omitempty"`
	}
)

func parse(text []byte) (*Table, error) {
	var in tableJSON
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, err
	}
	checked, err := day(in.Checked)
	if err != nil {
		return nil, fmt.Errorf("checked: %w", err)
	}
	t := &Table{checked: checked, prices: make(map[string][]Price, len(in.Prices))}
	for i, row := range in.Prices {
		p, err := row.price(checked)
		if err != nil {
			return nil, fmt.Errorf("prices[%d] %q: %w", i, row.Model, err)
		}
		t.prices[p.Model] = append(t.prices[p.Model], p)
	}
	for _, rows := range t.prices {
		slices.SortFunc(rows, func(a, b Price) int { return a.From.Compare(b.From) })
	}
	return t, nil
}

func (in priceJSON) price(checked time.Time) (Price, error) {
	p := Price{
		Model: strings.TrimSpace(in.Model), Vendor: in.Vendor, Window: in.Window, MaxOutput: in.MaxOutput,
		Source: in.Source, Checked: checked, Confirmed: in.Confirmed, Note: in.Note,
	}
	if p.Model == "" {
		return Price{}, errors.New("model is missing")
	}
	var err error
	if p.Rate, err = in.rate(); err != nil {
		return Price{}, err
	}
	for _, tier := range in.Tiers {
		rate, err := tier.rate()
		if err != nil {
			return Price{}, fmt.Errorf("tier above %d: %w", tier.Above, err)
		}
		if n := len(p.Tiers); tier.Above <= 0 || n > 0 && tier.Above <= p.Tiers[n-1].Above {
			return Price{}, fmt.Errorf("tier above %d: tiers must grow from above 0", tier.Above)
		}
		p.Tiers = append(p.Tiers, Tier{Above: tier.Above, Rate: rate})
	}
	for _, d := range []struct {
		name, text string
		into       *time.Time
	}{{"from", in.From, &p.From}, {"until", in.Until, &p.Until}, {"checked", in.Checked, &p.Checked}} {
		if d.text == "" {
			continue
		}
		if *d.into, err = day(d.text); err != nil {
			return Price{}, fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return p, nil
}

func (in rateJSON) rate() (Rate, error) {
	if in.Input == nil || in.Output == nil {
		return Rate{}, errors.New("input and output prices are required, in dollars per million tokens")
	}
	if in.Cached == nil {
		in.Cached = in.Input
	}
	var amounts [3]desk.MicroUSD
	for i, usd := range []float64{*in.Input, *in.Cached, *in.Output} {
		if usd < 0 || usd > 100_000 {
			return Rate{}, fmt.Errorf("price %v is not between 0 and 100,000 dollars per million tokens", usd)
		}
		amounts[i] = desk.MicroUSD(math.Ceil(usd*1e6 - 1e-3)) // the subtraction undoes binary noise: 0.07 is 70,000
	}
	return Rate{Input: amounts[0], Cached: amounts[1], Output: amounts[2]}, nil
}

func day(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.DateOnly, text)
}
