package desk

import "time"

// BudgetSubject is whose spending a budget caps.
type BudgetSubject string

const (
	SubjectTenant BudgetSubject = "tenant" // all of the tenant together
	SubjectKey    BudgetSubject = "key"    // one key, or without a name each key by itself
	SubjectUser   BudgetSubject = "user"   // one user, or without a name each user by itself
)

// BudgetPeriod is how long a budget lasts before it begins anew, at midnight UTC.
type BudgetPeriod string

const (
	PerDay   BudgetPeriod = "day"
	PerMonth BudgetPeriod = "month"
)

// Window is the first moment of the period that now lies in, and of the next.
func (p BudgetPeriod) Window(now time.Time) (start, end time.Time) {
	y, m, d := now.UTC().Date()
	if p == PerMonth {
		start = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		return start, start.AddDate(0, 1, 0)
	}
	start = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return start, start.AddDate(0, 0, 1)
}

// BudgetUnit is what a budget counts.
type BudgetUnit string

const (
	InUSD    BudgetUnit = "usd" // millionths of a US dollar
	InTokens BudgetUnit = "tokens"
)

// AtCap is what becomes of a question that would overspend.
type AtCap string

const (
	RefuseAtCap  AtCap = "refuse"  // it is refused
	CheaperAtCap AtCap = "cheaper" // the cheap model answers, as long as that fits
	OfflineAtCap AtCap = "offline" // the offline model answers
)

// The closed sets, in the order in which they are listed.
var (
	BudgetSubjects = [...]BudgetSubject{SubjectTenant, SubjectKey, SubjectUser}
	BudgetPeriods  = [...]BudgetPeriod{PerDay, PerMonth}
	BudgetUnits    = [...]BudgetUnit{InUSD, InTokens}
	AtCaps         = [...]AtCap{RefuseAtCap, CheaperAtCap, OfflineAtCap}
)

// Budget caps what a subject may spend in each period.
type Budget struct {
	ID      BudgetID
	Tenant  TenantID
	Subject BudgetSubject
	Name    string // id of the key or user; empty: the tenant, or each by itself
	Period  BudgetPeriod
	Unit    BudgetUnit
	Cap     int64 // above 0
	AtCap   AtCap
	Created time.Time
}

// Account is who in scope spends from the budget; ok is false when nobody does.
func (b Budget) Account(s Scope) (account string, ok bool) {
	switch {
	case b.Tenant != s.Tenant:
		return "", false
	case b.Subject == SubjectKey:
		account = string(s.Key)
	case b.Subject == SubjectUser:
		account = string(s.User)
	}
	return account, b.Name == "" || b.Name == account
}

// Amount is what of both the budget counts.
func (b Budget) Amount(money MicroUSD, tokens int64) int64 {
	if b.Unit == InTokens {
		return tokens
	}
	return int64(money)
}

// BudgetState is a budget with what its fullest account has used of this
// period.
type BudgetState struct {
	Budget
	Spent, Held int64
	Resets      time.Time
}
