package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Gaps finds the questions since a moment that were not answered well, those
// asked most first.
type Gaps interface {
	Gaps(ctx context.Context, tenant desk.TenantID, since time.Time) ([]desk.Gap, error)
}

type gapJSON struct {
	Question  string    `json:"question"`
	Lang      string    `json:"lang"`
	Count     int       `json:"count"`
	Disliked  int       `json:"disliked"`
	LastAsked time.Time `json:"last_asked"`
	AnswerID  string    `json:"answer_id"`
	Curated   bool      `json:"curated"`
}

const (
	gapDays = 30
	// ListedGaps is how many are shown: the most asked.
	ListedGaps = 200
)

// listGaps answers GET /v1/gaps.
func (api *API) listGaps(c *gin.Context) {
	days, err := daysFrom(c, gapDays)
	if err != nil {
		api.fail(c, err)
		return
	}
	gaps, err := api.cfg.Admin.Gaps.Gaps(c.Request.Context(), tenantOf(c), time.Now().AddDate(0, 0, -days))
	api.reply(c, http.StatusOK, map[string]any{"data": each(gaps[:min(len(gaps), ListedGaps)], func(g desk.Gap) gapJSON {
		return gapJSON{
			Question: string(g.Question), Lang: string(g.Lang), Count: g.Count, Disliked: g.Disliked,
			LastAsked: g.LastAsked.UTC(), AnswerID: string(g.LastAnswer), Curated: g.Curated,
		}
	})}, err)
}

const maxDays = 366

// daysFrom reads ?days=.
func daysFrom(c *gin.Context, byDefault int) (int, error) {
	text := c.Query("days")
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxDays {
		return 0, invalid("value_invalid", "days", fmt.Sprintf("days must be 1 to %d.", maxDays))
	}
	return n, nil
}
