package desk

import "time"

// UsageReport is what a tenant asked and spent, by day (UTC), newest first.
type UsageReport struct {
	Models []ModelUsage // from the ledger: every call
	Routes []RouteUsage // from the answers given, cached ones left out
}

// ModelUsage is one day of one model.
type ModelUsage struct {
	Day             time.Time
	Model, Provider string
	Calls, Failed   int
	Prompt          int64 // tokens
	Completion      int64
	Cost            MicroUSD
	Unpriced        int // calls whose cost is unknown
}

// RouteUsage is one day of one route and outcome.
type RouteUsage struct {
	Day     time.Time
	Route   RouteKind
	Outcome Outcome
	Answers int
	Cost    MicroUSD
}
