package config_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kefu/internal/config"
)

const toolsFile = `
agent: {inside: ["orders:8080"], confirm_secret: 0123456789abcdef0123456789abcdef}
tools:
  order_status:
    title_en: Order status
    title_zh: 订单状态
    description: Looks an order up.
    url: http://orders:8080/orders/{order_id}?lang={@lang}
    parameters:
      type: object
      properties:
        order_id: {type: string, pattern: "^[0-9]{5}$"}
      required: [order_id]
    headers: {Authorization: "Bearer ${ORDERS_TOKEN}", X-Key: inline-secret}
    effect: read
    timeout: 2s
    max_bytes: 4_096
  cancel_order:
    description: Cancels an order.
    url: https://shop.example/orders/{order_id}/cancel
    parameters: '{"type":"object"}'
    effect: write
    tenants: [acme, beta]
    confirm_en: Cancel order {order_id}?
mcp:
  shop:
    command: [shop-server, --flag, "two words"]
    env: {TOKEN: "${KEFU_SHOP}"}
    tools:
      stock: {effect: read, title_zh: 库存}
  far:
    url: https://mcp.example/mcp
    headers: {Authorization: "${ORDERS_TOKEN}"}
    tools:
      book: {effect: write, confirm_zh: 要预订吗？, timeout: 1m}
`

func TestToolsAreReadWithTheirSecretsFilledIn(t *testing.T) {
	path := write(t, "kefu.yaml", toolsFile)
	environ := []string{"ORDERS_TOKEN=hunter2", "KEFU_SHOP_FILE=" + write(t, "shop", "hunter3\n")}
	c, err := config.Load(path, environ)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Tools) != 2 || len(c.MCP) != 2 {
		t.Fatalf("tools %+v, servers %+v", c.Tools, c.MCP)
	}
	status := c.Tools[0]
	if status.Name != "order_status" || status.TitleZH != "订单状态" || status.Effect != "read" || status.Timeout != 2*time.Second || status.MaxBytes != 4096 {
		t.Errorf("tool = %+v", status)
	}
	if want := `{"properties":{"order_id":{"pattern":"^[0-9]{5}$","type":"string"}},"required":["order_id"],"type":"object"}`; string(status.Parameters) != want {
		t.Errorf("parameters = %s", status.Parameters)
	}
	if got := status.HeaderValues()["Authorization"]; got != "Bearer hunter2" {
		t.Errorf("header = %q", got)
	}
	if got := c.Tools[1].Tenants; len(status.Tenants) != 0 || !slices.Equal(got, []string{"acme", "beta"}) {
		t.Errorf("tenants = %v", got)
	}
	shop := c.MCP[0]
	if !reflect.DeepEqual(shop.Command, config.Command{"shop-server", "--flag", "two words"}) || shop.EnvValues()["TOKEN"] != "hunter3" || shop.Tools[0].TitleZH != "库存" {
		t.Errorf("server = %+v", shop)
	}
	if far := c.MCP[1]; far.HeaderValues()["Authorization"] != "hunter2" || far.Tools[0].Timeout != time.Minute {
		t.Errorf("server = %+v", far)
	}
	for form, text := range map[string]string{"Redacted": c.Redacted(), "%v": fmt.Sprintf("%v", c.Tools[0].Headers), "%#v": fmt.Sprintf("%#v", c.MCP[0].Env)} {
		if strings.Contains(text, "hunter") || strings.Contains(text, "inline") {
			t.Errorf("%s shows a secret:\n%s", form, text)
		}
	}
	back, err := config.Load(write(t, "kefu.yaml", strings.ReplaceAll(c.Redacted(), `confirm_secret: "[redacted]"`, "")), environ)
	if err != nil || !reflect.DeepEqual(back.MCP, c.MCP) || back.Tools[0].Parameters != c.Tools[0].Parameters {
		t.Errorf("read back: %v\n%s", err, c.Redacted())
	}
}

func TestFaultsOfToolsNameTheirPlaceAndTheCure(t *testing.T) {
	const good = "description: d, parameters: {type: object}, effect: read"
	for _, tt := range []struct{ name, yaml, field, want string }{
		{"a misspelt key", "tools:\n  a: {desription: x}\n", "tools.a.desription", `FILE:2:7: unknown key "tools.a.desription"; did you mean "tools.a.description"?`},
		{"a misspelt section", "tool:\n  a: {}\n", "tool", `did you mean "tools"?`},
		{"no effect", "tools:\n  a: {description: d, url: 'https://h/', parameters: {type: object}}\n", "tools.a", `FILE:2:3: tools.a: want an effect`},
		{"an unknown effect", "tools:\n  a: {effect: both}\n", "tools.a.effect", `want read or write, got "both"`},
		{"a write without a question", "tools:\n  a: {description: d, url: 'https://h/', parameters: {type: object}, effect: write}\n", "tools.a", `want confirm_en or confirm_zh`},
		{"plain http", "tools:\n  a: {url: 'http://h:1/{x}', " + good + "}\n", "tools.a.url", `want https, or h:1 among agent.inside`},
		{"no address", "tools:\n  a: {url: 'gopher://h/', " + good + "}\n", "tools.a.url", `want a URL`},
		{"no parameters", "tools:\n  a: {url: 'https://h/', description: d, effect: read}\n", "tools.a", `want parameters`},
		{"parameters that are words", "tools:\n  a: {parameters: none}\n", "tools.a.parameters", `want a JSON Schema`},
		{"a variable that is not set", "tools:\n  a: {url: 'https://h/', headers: {A: '${NOT_SET}'}, " + good + "}\n", "tools.a.headers", `tools.a.headers: NOT_SET is not set`},
		{"a name with a space", "tools:\n  a b: {url: 'https://h/', " + good + "}\n", "tools.a b", `want a name`},
		{"a server without tools", "mcp:\n  s: {url: 'https://h/'}\n", "mcp.s", `want tools`},
		{"a server of two kinds", "mcp:\n  s: {url: 'https://h/', command: [a], tools: {t: {effect: read}}}\n", "mcp.s", `want either a url or a command`},
		{"a command that is a word", "mcp:\n  s: {command: run it}\n", "mcp.s.command", `want a list of texts`},
		{"a server's tool without effect", "mcp:\n  s: {url: 'https://h/', tools: {t: {title_en: T}}}\n", "mcp.s.tools.t", `FILE:2:34: mcp.s.tools.t: want an effect`},
		{"a short secret", "agent: {confirm_secret: short}\n", "agent.confirm_secret", `want at least 32 characters`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "kefu.yaml", tt.yaml)
			_, err := config.Load(path, nil)
			expect(t, err, tt.field, strings.ReplaceAll(tt.want, "FILE", path))
		})
	}
}
