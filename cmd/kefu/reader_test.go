package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

// A Kefu within a test starts the test program again to read documents: then
// it is that, and no test runs.
func init() {
	if len(os.Args) > 1 && os.Args[1] == readerName {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
}

func TestAReaderOfDocumentsStartsNoOther(t *testing.T) {
	cmd, err := reading{guard: "off", localOnly: []string{"hr", "legal/*"}}.command()
	if err != nil {
		t.Fatal(err)
	}
	if args := strings.Join(cmd.Args, " "); args != "kefu read-documents --cache-dir= --guard=off --topics= --local-only=hr --local-only=legal/*" {
		t.Errorf("command line = %s", args)
	}
	for _, line := range cmd.Env {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
	if cmd, err := (reading{}).command(); err == nil {
		t.Errorf("a reader starts %v", cmd)
	}
}
