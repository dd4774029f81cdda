package tool_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"kefu/internal/desk"
	"kefu/internal/tool"
)

func ExampleNewHTTP() {
	status, err := tool.NewHTTP(tool.HTTPConfig{
		Spec: tool.Spec{
			Name:        "order_status",
			Title:       tool.Text{desk.English: "Order status", desk.Chinese: "订单状态"},
			Description: "Looks up where an order is.",
			Parameters: json.RawMessage(`{"type":"object",
				"properties":{"order_id":{"type":"string","pattern":"^LN[0-9]{8}$"}},"required":["order_id"]}`),
			Effect: tool.Read,
		},
		URL: "https://orders.example.com/orders/{order_id}",
	}, http.DefaultClient) // in practice one of package egress
	if err != nil {
		fmt.Println(err)
		return
	}
	tools, err := tool.NewRegistry(status)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = tools.Validate("order_status", map[string]any{"order_id": "my order"})
	var invalid *desk.Error
	if errors.As(err, &invalid) {
		fmt.Println(invalid.Public)
	}
	// Output: arguments: validating /properties/order_id: pattern: "my order" does not match regular expression "^LN[0-9]{8}$"
}
