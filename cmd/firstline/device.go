package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

type deviceCommand struct {
	User         string `arg:"" help:"SIP user of the phone, for example 2001."`
	PasswordFile string `help:"Take the password from this file (- for standard input). Default: make one and print it." placeholder:"FILE"`
	API          string `help:"Base URL of the API. Default: the demo's." placeholder:"http://127.0.0.1:8080"`
	Token        string `help:"API token. Default: the demo's ($FL_TOKEN)." env:"FL_TOKEN"`
	Credentials  string `help:"Demo credentials file." default:"var/demo-credentials.json" type:"path"`
}

func (deviceCommand) Help() string {
	return `Gives a phone its password for REGISTER, or a new one. The server keeps hashes
only; a registration that is up stays until the phone renews it.

Example:  firstline device 2001`
}

func (c *deviceCommand) Run(ctx context.Context, o *output) error {
	demo, err := readDemoCredentials(c.Credentials)
	if err != nil {
		return err
	}
	if demo != nil {
		c.API, c.Token = cmp.Or(c.API, demo.HTTP), cmp.Or(c.Token, demo.APIToken)
	}
	password := secret(9)
	if c.PasswordFile != "" {
		if password, err = readPassword(c.PasswordFile); err != nil {
			return err
		}
	}
	api := &apiClient{base: c.API, token: c.Token}
	body := map[string]string{"password": password}
	if err := api.send(ctx, http.MethodPut, "/api/v1/devices/"+url.PathEscape(c.User), body, nil); err != nil {
		return fmt.Errorf("device %s: %w", c.User, err)
	}
	if c.PasswordFile == "" {
		fmt.Fprintf(o.out, "user %s  password %s\n", c.User, password)
	}
	return nil
}

func readPassword(file string) (string, error) {
	if file == "-" {
		file = "/dev/stdin"
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return strings.TrimSuffix(string(line), "\r"), nil
}
