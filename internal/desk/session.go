package desk

import "time"

// Session is somebody signed in to the console.
type Session struct {
	ID SessionID
	// Key is who it is: the key that opened it or, where a link did, one that is
	// the session's own and ends with it.
	Key     Key
	Opened  time.Time
	Seen    time.Time // to the minute
	Expires time.Time // at the latest
}

// Link signs somebody in, once, without a key.
type Link struct {
	Tenant  TenantID
	Role    Role // operator or admin
	Expires time.Time
}
