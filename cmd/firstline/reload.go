package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
)

type reloadCommand struct {
	Back        bool   `help:"Activate the version before the one in force again, in place of reading the files." xor:"version"`
	To          string `help:"Activate this version again, by its whole hash (system.config in the journal)." xor:"version" placeholder:"HASH"`
	API         string `help:"Base URL of the API. Default: the demo's." placeholder:"http://127.0.0.1:8080"`
	Token       string `help:"API token. Default: the demo's." env:"FL_TOKEN"`
	Credentials string `help:"Demo credentials file." default:"var/demo-credentials.json" type:"path"`
}

func (reloadCommand) Help() string {
	return `A centre with a mistake is refused as a whole, and the server goes on with the
one that it has. Calls keep the flow that they started with. --back takes a change
back in one step; the files stay as they are, and the next reload reads them.`
}

func (c *reloadCommand) Run(ctx context.Context, o *output) error {
	demo, err := readDemoCredentials(c.Credentials)
	if err != nil {
		return err
	}
	if demo != nil {
		c.API, c.Token = cmp.Or(c.API, demo.HTTP), cmp.Or(c.Token, demo.APIToken)
	}
	var done struct {
		Hash string `json:"hash"`
	}
	api := &apiClient{base: c.API, token: c.Token}
	if err := api.do(ctx, http.MethodPost, "/api/v1/centre/reload"+c.version(), &done); err != nil {
		return fmt.Errorf("not reloaded: %w", err)
	}
	fmt.Fprintf(o.out, "The centre in force is version %.12s.\n", done.Hash)
	return nil
}

// version is which version to activate, as a query.
func (c *reloadCommand) version() string {
	version := c.To
	if c.Back {
		version = previousVersion
	}
	if version == "" {
		return ""
	}
	return "?version=" + url.QueryEscape(version)
}
