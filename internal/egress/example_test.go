package egress_test

import (
	"errors"
	"fmt"

	"kefu/internal/desk"
	"kefu/internal/egress"
)

func ExampleNew() {
	client, err := egress.New(egress.Config{Hosts: []string{"api.example.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Get("https://169.254.169.254/latest/meta-data/")
	var refused *desk.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Code)
	}
	// Output: egress_host_refused
}
