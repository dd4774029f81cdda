package main_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
	"kefu/internal/testenv"
)

// keyed asks three replicas in turn with one key, each time another question.
type keyed struct {
	t        *testing.T
	replicas []*e2e.Server
	key      string
	asked    atomic.Int64
	answered atomic.Int64
	refused  atomic.Int64
}

func (k *keyed) ask() {
	n := int(k.asked.Add(1))
	body := fmt.Sprintf(`{"question":"Compare the warranty of %d lamps and of the tablet: which one is longer?"}`, n)
	req, err := http.NewRequestWithContext(k.t.Context(), http.MethodPost, k.replicas[n%len(k.replicas)].URL+"/query", strings.NewReader(body))
	if err != nil {
		k.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+k.key)
	resp, err := k.replicas[n%len(k.replicas)].Client.Do(req)
	if err != nil {
		k.t.Error(err)
		return
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		k.answered.Add(1)
	case http.StatusTooManyRequests:
		k.refused.Add(1)
	default:
		k.t.Errorf("status %d", resp.StatusCode)
	}
}

// knowEachOther waits until every replica has renewed its lease since all were
// there.
func knowEachOther(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	e2e.Eventually(t, "all replicas are there", func() bool { return one(t, db, `SELECT COUNT(*) FROM replicas`) == int64(n) })
	last := one(t, db, `SELECT MAX(expires_at) FROM replicas`)
	e2e.Eventually(t, "they know each other", func() bool { return one(t, db, `SELECT MIN(expires_at) FROM replicas`) > last })
}

// Three replicas let in what one would: with Redis, while it dies, and without.
func TestALimitHoldsOverAllReplicasAlsoWithoutRedis(t *testing.T) {
	t.Parallel()
	const atATime, aMinute = 6, 30
	vendor, redis := e2e.NewVendor(t, llmsim.Config{}), testenv.OwnRedis(t)
	site := newShop(t, append(vendor.Env(), "DATABASE_URL="+testenv.Postgres(t), "REDIS_URL="+redis.URL(), "KEFU_KNOWLEDGE_LEASE=6s",
		fmt.Sprintf("KEFU_LIMIT_CONCURRENT=%d", atATime), fmt.Sprintf("KEFU_LIMIT_REQUESTS_PER_MINUTE=%d", aMinute))...)
	k := &keyed{t: t, key: strings.TrimSpace(site.Must("keys", "create", "--role", "ask", "-q"))}
	for range 3 {
		k.replicas = append(k.replicas, site.Serve())
	}
	db := site.DB()
	defer db.Close()
	knowEachOther(t, db, len(k.replicas))

	start := time.Now()
	for _, phase := range []string{"with Redis", "without"} {
		vendor.Hold(0)
		var under sync.WaitGroup
		for range atATime {
			under.Go(k.ask)
		}
		e2e.Eventually(t, "a limit's worth is under way "+phase, func() bool { return vendor.Held() == atATime })
		redis.Stop()
		before := k.refused.Load()
		for range atATime {
			k.ask()
		}
		if n := k.refused.Load() - before; n != atATime || vendor.Held() != atATime {
			t.Errorf("%s: %d of %d more refused, %d under way, want all refused and %d", phase, n, atATime, vendor.Held(), atATime)
		}
		vendor.LetGo()
		under.Wait()
	}
	for range 2 * aMinute {
		k.ask()
	}
	earned := int64(time.Since(start).Minutes()*aMinute) + 1
	if in := k.answered.Load(); in < aMinute*2/3 || in > aMinute+earned {
		t.Errorf("%d answered, want about %d and the %d earned meanwhile", in, aMinute, earned)
	}
	t.Logf("%d answered, %d refused in %v", k.answered.Load(), k.refused.Load(), time.Since(start))
	for _, s := range k.replicas {
		if code := s.Stop(); code != 0 {
			t.Errorf("exit status %d", code)
		}
		healthy(t, s.Log)
	}
}
