package desk

import (
	"slices"
	"time"
)

// Role is what a key allows; each allows all that those before it do.
type Role string

const (
	RoleWidget   Role = "widget"   // ask from a website, whose visitors can all read the key
	RoleAsk      Role = "ask"      // ask, and see what one was answered
	RoleOperator Role = "operator" // change and look into the tenant's knowledge base
	RoleAdmin    Role = "admin"    // tenants, keys, budgets: of the whole installation
)

// Roles lists the set, weakest first.
var Roles = [...]Role{RoleWidget, RoleAsk, RoleOperator, RoleAdmin}

// Allows tells whether a key of role r may do what needs the role needed.
func (r Role) Allows(needed Role) bool {
	has := slices.Index(Roles[:], r)
	return has >= 0 && has >= slices.Index(Roles[:], needed)
}

// Tenant is a customer of the installation, apart from all others.
type Tenant struct {
	ID      TenantID
	Name    string
	Created time.Time
}

// Key lets its holder act for a tenant. The secret itself is shown once, when
// the key is made, and kept nowhere.
type Key struct {
	ID      KeyID
	Account KeyID // that spends from budgets: the first key that it succeeds by rotation, else itself
	Tenant  TenantID
	Name    string // for people
	Role    Role
	Prefix  string // the first characters of the secret, to recognise it by
	Created time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: not
}

// Live tells whether the key may be used at that time.
func (k Key) Live(now time.Time) bool {
	return k.Revoked.IsZero() && (k.Expires.IsZero() || now.Before(k.Expires))
}

// KeyMark is how the secret of every key begins that Kefu has made.
const KeyMark = "kefu_"

// BootstrapKey names the one key of the configuration in the records.
const BootstrapKey KeyID = "bootstrap"

// Actor is who changes something: a key, or a person at the command line.
type Actor struct {
	Name    string // "key_…", "bootstrap" or "cli:name"
	Request string // id of the request; empty at the command line
}

// AuditEntry says who changed what, when.
type AuditEntry struct {
	ID     string
	At     time.Time
	Actor  Actor
	Action string   // "key.create", "POST /v1/documents"
	Tenant TenantID // whose
	Target string   // what: an id
	Detail string   // how, in a few words; never a secret or a customer's text
}

// AuditQuery chooses audit entries. Zero values mean any.
type AuditQuery struct {
	Tenant       TenantID
	Action       string
	Since, Until time.Time
	Limit        int // newest first; 0: all
}
