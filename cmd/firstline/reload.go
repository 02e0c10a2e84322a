package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
)

type reloadCommand struct {
	API         string `help:"Base URL of the API. Default: the demo's." placeholder:"http://127.0.0.1:8080"`
	Token       string `help:"API token. Default: the demo's." env:"FL_TOKEN"`
	Credentials string `help:"Demo credentials file." default:"var/demo-credentials.json" type:"path"`
}

func (reloadCommand) Help() string {
	return `A centre with a mistake is refused as a whole, and the server goes on with the
one that it has. Calls keep the flow that they started with.`
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
	if err := api.do(ctx, http.MethodPost, "/api/v1/centre/reload", &done); err != nil {
		return fmt.Errorf("not reloaded: %w", err)
	}
	fmt.Fprintf(o.out, "The centre in force is version %.12s.\n", done.Hash)
	return nil
}
