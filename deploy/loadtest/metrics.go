package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func fetch(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return string(raw), err
}

// searchTimes reads the share of searches under each bucket of the server's
// own histogram: the time of retrieval alone.
func searchTimes(metrics string) string {
	var total float64
	shares := map[string]float64{}
	var bounds []string
	for line := range strings.Lines(metrics) {
		if !strings.HasPrefix(line, "kefu_retrieval_seconds_bucket{") || !strings.Contains(line, `stage="search"`) {
			continue
		}
		_, rest, _ := strings.Cut(line, `le="`)
		bound, _, _ := strings.Cut(rest, `"`)
		fields := strings.Fields(line[strings.LastIndexByte(line, '}')+1:])
		n, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			continue
		}
		shares[bound] = n
		bounds = append(bounds, bound)
		total = max(total, n)
	}
	for _, b := range bounds {
		if total > 0 && shares[b] >= 0.99*total {
			return fmt.Sprintf("  retrieval alone: 99 %% of %.0f searches within %s s (by the server's histogram)\n", total, b)
		}
	}
	return "  no search was measured\n"
}
