package access_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/access"
	"kefu/internal/desk"
)

const installation = "0123456789abcdef0123456789abcdef"

func TestOnlyWhatTheWebsitesServerSignedSaysWhoAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := access.NewIdentities(installation)
		shop := desk.Key{ID: "key_1", Tenant: "acme", Role: desk.RoleWidget}
		later := time.Now().Add(time.Hour)
		good := access.SignUser(i.Secret(shop), "alice", later)
		ofKey := func(k desk.Key) string { return access.SignUser(i.Secret(k), "alice", later) }
		for name, tt := range map[string]struct {
			user    desk.UserID
			hash    string
			expires time.Time
			want    string
		}{
			"what was signed":           {"alice", good, later, ""},
			"in capitals":               {"alice", strings.ToUpper(good), later, ""},
			"nothing":                   {"alice", "", later, "user_hash_missing"},
			"no hexadecimal":            {"alice", "zz", later, "user_hash_invalid"},
			"the beginning":             {"alice", good[:32], later, "user_hash_invalid"},
			"another user":              {"bob", good, later, "user_hash_invalid"},
			"another time":              {"alice", good, later.Add(time.Second), "user_hash_invalid"},
			"another tenant's key":      {"alice", ofKey(desk.Key{ID: "key_1", Tenant: "globex"}), later, "user_hash_invalid"},
			"another key of the tenant": {"alice", ofKey(desk.Key{ID: "key_2", Tenant: "acme"}), later, "user_hash_invalid"},
			"another installation":      {"alice", access.SignUser(access.NewIdentities("another").Secret(shop), "alice", later), later, "user_hash_invalid"},
			"the installation's secret": {"alice", access.SignUser(installation, "alice", later), later, "user_hash_invalid"},
			"one that is over":          {"alice", access.SignUser(i.Secret(shop), "alice", time.Now()), time.Now(), "user_hash_expired"},
			"a forged one that is over": {"alice", strings.Repeat("ab", 32), time.Now(), "user_hash_invalid"},
			"a time of no use":          {"alice", access.SignUser(i.Secret(shop), "alice", time.Unix(0, 0)), time.Unix(0, 0), "user_hash_expired"},
		} {
			if got := code(i.Check(shop, tt.user, tt.hash, tt.expires)); got != tt.want {
				t.Errorf("%s = %s, want %s", name, got, tt.want)
			}
		}
		time.Sleep(time.Hour)
		if got := code(i.Check(shop, "alice", good, later)); got != "user_hash_expired" {
			t.Errorf("an hour later = %s, want user_hash_expired", got)
		}
	})
}

// What a company's server computes stands in the README; it may never change.
func TestTheSignatureIsWhatTheReadmeSays(t *testing.T) {
	secret := access.NewIdentities(installation).Secret(desk.Key{ID: "key_1", Tenant: "acme"})
	if want := "659b6ed341a4090e08ba5bfa875682bc06d47cce3d1722795dc35bc733f9ae75"; secret != want {
		t.Errorf("secret = %s, want %s", secret, want)
	}
	if got, want := access.SignUser(secret, "客户 42", time.Unix(1_800_000_000, 0)), "cb71f60460cf3bfbc1c7c4f436c04ba58b52d760e362af3cdab3130851736de0"; got != want {
		t.Errorf("user_hash = %s, want %s", got, want)
	}
}

func FuzzNoTwoUsersShareASignature(f *testing.F) {
	f.Add("alice", int64(1800000000), "0.alice", int64(180000000))
	f.Add("1.a", int64(1), "a", int64(11))
	f.Fuzz(func(t *testing.T, a string, at int64, b string, bt int64) {
		same := access.SignUser("s", desk.UserID(a), time.Unix(at, 0)) == access.SignUser("s", desk.UserID(b), time.Unix(bt, 0))
		if same != (a == b && at == bt) {
			t.Errorf("%q until %d and %q until %d: %t", a, at, b, bt, same)
		}
	})
}
