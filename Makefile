# `make run` needs Go alone; `make test` installs the servers it tests against.

export CGO_ENABLED ?= 0
BIN     := bin
EVAL    ?= ../shared/eval
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# SQLite as translated from C works in memory that the race detector does not follow: without the
# detector in it, tests take half the time and find the same races. As in internal/e2e. -w leaves out
# what only debuggers read, which is a third of linking the test of each package.
RACE := -race $(foreach p,modernc.org/sqlite/lib modernc.org/libc modernc.org/memory,-gcflags=$(p)=-race=false)

.DEFAULT_GOAL := help
.PHONY: help run build test lint fmt eval bench fuzz clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: build ## build and start Kefu on http://127.0.0.1:8000, no key and no server needed
	@exec $(BIN)/kefu serve

build: ## build bin/kefu and bin/llmsim
	@mkdir -p $(BIN)
	go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

test: ## install redis-server, postgresql, prometheus and chromium where missing, then run every test
	@.ci/install
	CGO_ENABLED=1 go test $(RACE) -ldflags=-w -timeout 30m ./...

lint: ## go vet, gofumpt and staticcheck
	@mkdir -p $(BIN)
	go vet ./...
	@GOBIN=$(CURDIR)/$(BIN) go install $(GOFUMPT)
	@GOBIN=$(CURDIR)/$(BIN) go install $(STATICCHECK)
	@out=$$($(BIN)/gofumpt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not formatted, run make fmt:"; echo "$$out"; exit 1; fi
	$(BIN)/staticcheck ./...

fmt: ## format the code
	@GOBIN=$(CURDIR)/$(BIN) go install $(GOFUMPT)
	$(BIN)/gofumpt -w $$(git ls-files '*.go')

eval: build ## measure quality on EVAL (default ../shared/eval), write eval.json and eval.html
	@if [ -f $(EVAL)/make_broken.py ] && command -v python3 >/dev/null; then python3 $(EVAL)/make_broken.py $(BIN)/broken --big; fi
	$(BIN)/kefu eval --dir $(EVAL) --sample kb $$([ ! -f $(BIN)/broken/index.json ] || echo --broken $(BIN)/broken) --out eval.json --html eval.html $(if $(FLOORS),--floors $(FLOORS))

bench: build ## measure speed beside a bare handler on this machine
	@.ci/install
	go run ./deploy/loadtest --bin $(BIN)

fuzz: ## run every fuzz test for 20 s
	@set -e; for f in $$(grep -rl --include='*_test.go' '^func Fuzz' internal cmd); do \
	  for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$f); do \
	    go test -run '^$$' -fuzz "^$$name$$" -fuzztime 20s ./$$(dirname $$f); done; done

clean: ## remove what was built
	rm -rf $(BIN) eval.json eval.html
