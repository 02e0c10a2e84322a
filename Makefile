# Every target is one way to use the repository; `make` lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Tests that need programs of others carry a build tag, so that they run in full
# or not at all and never skip: e2e (with -race), load (without: the race detector
# makes it a test of the race detector), bench.
TAGS := e2e,load,bench

GOLANGCI_VERSION := v2.15.0
GOLANGCI := .cache/bin/golangci-lint-$(GOLANGCI_VERSION)
FUZZTIME ?= 30s

UI := web/ui
UI_SOURCES := $(shell find $(UI) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.NOTPARALLEL: # the targets install, build and test in this order

.PHONY: help run build pages test test-pages check fmt lint race fuzz bench e2e load deps-run deps-test peers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: deps-run build ## install what is missing, build, and serve the demo centre on loopback
	exec bin/firstline serve $(ARGS)

build: pages ## build the pages and bin/firstline
	CGO_ENABLED=0 go build -trimpath -o bin/firstline ./cmd/firstline

test: deps-test peers build ## install what the tests need and run them all
	go vet -tags $(TAGS) ./...
	go test -race ./...
	$(MAKE) --no-print-directory test-pages e2e load

check: $(GOLANGCI) ## format, lint and quick tests, before each commit
	$(GOLANGCI) fmt --diff
	$(GOLANGCI) run
	go test ./...

fmt: $(GOLANGCI) ## format the Go files
	$(GOLANGCI) fmt

lint: $(GOLANGCI) ## lint alone
	$(GOLANGCI) run

race: ## all Go tests but the end-to-end ones, with the race detector
	go test -race ./...

fuzz: ## each fuzz target for FUZZTIME (30s)
	@for pkg in $$(go list ./...); do \
		listed=$$(go test -list '^Fuzz' "$$pkg"); \
		for target in $$(grep '^Fuzz' <<<"$$listed" || true); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg"; \
		done; \
	done

bench: deps-test peers build ## speed and memory against their floors, the peer beside them
	go test -run '^$$' -bench . -benchmem ./...
	go test -tags bench -count 1 -v -timeout 30m ./e2e/...

e2e: deps-test peers build ## end to end with sipp, baresip, Asterisk, PostgreSQL and Chromium
	cd $(UI) && npm run e2e
	go test -tags e2e -race -count 1 -timeout 30m ./e2e/...

load: deps-test peers build ## many calls, random hang-ups, kill -9
	go test -tags load -count 1 -timeout 30m ./e2e/...

clean: ## delete what was built, not what was recorded
	rm -rf bin .cache $(UI)/node_modules
	find $(UI)/dist -mindepth 1 -not -name .keep -delete 2>/dev/null || true

deps-run:
	@deploy/dev/deps.sh run

deps-test:
	@deploy/dev/deps.sh test

peers:
	@deploy/dev/asterisk.sh install

$(GOLANGCI):
	@mkdir -p $(@D)
	GOBIN=$(CURDIR)/$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(@D)/golangci-lint $@

# The pages are built from source, and only when a source is newer than the last build.
ifneq ($(wildcard $(UI)/package.json),)
pages: $(UI)/dist/index.html

$(UI)/node_modules/.package-lock.json: $(UI)/package.json $(UI)/package-lock.json
	cd $(UI) && npm ci --no-audit --no-fund
	@touch $@

$(UI)/dist/index.html: $(UI)/node_modules/.package-lock.json $(UI_SOURCES)
	cd $(UI) && npm run build
	@touch $@

test-pages: $(UI)/node_modules/.package-lock.json
	cd $(UI) && npm test
else
pages test-pages:
	@echo "no $(UI)/package.json: no pages to build"
endif
