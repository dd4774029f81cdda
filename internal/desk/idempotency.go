package desk

import "time"

// Once identifies a request that is to be carried out once, however often it
// is sent: by the caller's name for it, hashed, and what was asked.
type Once struct {
	Tenant  TenantID
	Caller  string // id of the key, or an address
	Name    string
	Request [32]byte // hash of method, path and body
	Began   time.Time
}

// Reply is what a request was answered with. Body is not readable without the
// caller's name for the request.
type Reply struct {
	Status    int
	User      UserID // whose it is; empty where nobody is named
	MediaType string
	Body      []byte
}
