package main_test

import (
	"context"
	"os"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"kefu/internal/e2e"
)

// The tests of this package run the built program as its users do: through its
// command line, its environment, its files and HTTP.
func TestMain(m *testing.M) {
	if os.Getenv(serveMCP) != "" {
		_ = mcpServer().Run(context.Background(), &sdk.StdioTransport{}) // until kefu closes stdin
		return
	}
	e2e.Main(m)
}

// shop is a small knowledge base, which loads in a moment.
var shop = map[string]string{
	"docs/returns.md": `---
title: Returns
url: https://help.example.com/returns
---
# Returns

You can return an item within 30 days of delivery. The item must be unused and in its original packaging.

## Return shipping

Return shipping for a standard parcel costs 4.95 euros. Return shipping for an express parcel costs 9.95 euros.
`,
	"docs/warranty.md": `---
title: Warranty
url: https://help.example.com/warranty
---
# Warranty

The warranty of the Aurora lamp covers manufacturing defects for 24 months. The warranty of the Borealis tablet covers manufacturing defects for 12 months.
`,
	"docs/zh/returns.md": `---
title: 退货
url: https://help.example.com/zh/returns
---
# 退货

您可以在签收后30天内申请退货。商品必须未经使用，并保留原包装。

## 退货运费

标准包裹的退货运费为4.95欧元。加急包裹的退货运费为9.95欧元。
`,
}

// Questions about the shop, in both languages and on both routes.
const (
	simpleEN  = "How many days after delivery can I return an item?"
	complexEN = "Compare the warranty of the Aurora lamp and of the Borealis tablet: which one is longer?"
	simpleZH  = "签收后几天内可以申请退货？"
	complexZH = "请比较标准包裹和加急包裹的退货运费，哪个更贵？"
	unknownEN = "Do you repair mechanical typewriters?"
)

// newShop is an installation whose server loads the small knowledge base.
func newShop(t *testing.T, env ...string) *e2e.Site {
	t.Helper()
	site := e2e.NewSite(t, append([]string{"KEFU_KNOWLEDGE_PATH=docs", "KEFU_HANDOFF_EMAIL=help@example.com"}, env...)...)
	for name, text := range shop {
		site.Write(name, text)
	}
	return site
}

// holds fails the test unless text contains every part.
func holds(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not contain %q:\n%s", what, part, text)
		}
	}
}

// healthy fails the test when the log holds an error.
func healthy(t *testing.T, log *e2e.Log) {
	t.Helper()
	for _, e := range log.Events(t) {
		if e["level"] == "ERROR" {
			t.Errorf("the log holds an error: %v", e)
		}
	}
	unharmed(t, log)
}

// unharmed fails the test when something in the server broke down.
func unharmed(t *testing.T, log *e2e.Log) {
	t.Helper()
	for _, part := range []string{"panic", "worker ended", "goroutine "} {
		if text := log.String(); strings.Contains(text, part) {
			t.Errorf("the log contains %q:\n%s", part, text)
		}
	}
}
