package telemetry

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kefu/internal/desk"
)

// Actions of one budget, and those that are no single budget's.
var (
	budgetActs = [...]string{"refused", "cheaper", "offline", "warned"}
	bookActs   = [...]string{"expired", "failed"}
)

// everyScope is the scope of what is no single budget's.
const everyScope = "all"

type budgetKey struct{ scope, action string }

func budgetActions(f factory) map[budgetKey]prometheus.Counter {
	acts := f.counters("kefu_budget_actions_total", "What budgets did: refused a question, had the cheap or the offline model answer it, or warned. Of all scopes: a crashed process's hold was charged, or nobody knew what is left. Scope: whom the budget caps.", "scope", "action")
	m := map[budgetKey]prometheus.Counter{}
	add := func(scope, action string) { m[budgetKey{scope, action}] = acts.WithLabelValues(scope, action) }
	for _, scope := range desk.BudgetSubjects {
		for _, action := range budgetActs {
			add(string(scope), action)
		}
	}
	for _, action := range bookActs {
		add(everyScope, action)
	}
	add(other, other)
	return m
}

// Budgeted records what a budget of the subject did beside letting an answer
// pass; of is empty where it was no single budget's doing.
func (t *Telemetry) Budgeted(of desk.BudgetSubject, action string) {
	pick(t.metrics.budgets, budgetKey{cmp.Or(string(of), everyScope), action}, budgetKey{other, other}).Inc()
	if t.feed.heard() {
		t.feed.tell(desk.OpsEvent{Kind: desk.OpsBudget, Outcome: action})
	}
}

// CollectBudgets exports cap and spending of the budgets that fullest returns: at
// most one of each subject and period, read at each scrape. While it fails there
// are none. It is called at most once.
func (t *Telemetry) CollectBudgets(fullest func(context.Context, time.Time) ([]desk.BudgetState, error)) {
	t.registry.MustRegister(budgetCollector{t, fullest})
}

type budgetCollector struct {
	*Telemetry
	fullest func(context.Context, time.Time) ([]desk.BudgetState, error)
}

var (
	budgetLimit = prometheus.NewDesc("kefu_budget_limit_usd", "Cap in US dollars of the budget that is nearest to its cap, of those that cap a tenant, a key or a user (scope) for a day or a month (window).", []string{"scope", "window"}, nil)
	budgetSpent = prometheus.NewDesc("kefu_budget_spent_usd", "US dollars spent of the budget whose cap is kefu_budget_limit_usd in the present window, by whoever has spent most of it; what is held for answers under way is not counted.", []string{"scope", "window"}, nil)
)

func (c budgetCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- budgetLimit
	ch <- budgetSpent
}

func (c budgetCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), databaseWithin)
	defer cancel()
	states, err := c.fullest(ctx, time.Now())
	if err != nil {
		c.log.Warn("budgets not measured", "error", err)
		return
	}
	for _, s := range states {
		scope, window := string(s.Subject), string(s.Period)
		ch <- prometheus.MustNewConstMetric(budgetLimit, prometheus.GaugeValue, desk.MicroUSD(s.Cap).USD(), scope, window)
		ch <- prometheus.MustNewConstMetric(budgetSpent, prometheus.GaugeValue, desk.MicroUSD(s.Spent).USD(), scope, window)
	}
}
