package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"firstline/web"
)

type endpointsCommand struct {
	List   endpointsList   `cmd:"" default:"withargs" help:"Who is told of tickets, and how that does."`
	Add    endpointsAdd    `cmd:"" help:"Have another system told of tickets from now on."`
	Set    endpointsSet    `cmd:"" help:"Change an endpoint; one that was disabled is tried again."`
	Secret endpointsSecret `cmd:"" help:"Give a secret, read from standard input; --make for a new signing or inbound secret."`
	Remove endpointsRemove `cmd:"" help:"Tell an endpoint nothing any more."`
	Try    endpointsTry    `cmd:"" help:"Send a message that says nothing."`
	Dead   endpointsDead   `cmd:"" help:"List dead letters."`
	Replay endpointsReplay `cmd:"" help:"Send a dead letter again, or all of an endpoint."`
}

type endpointsList struct{ serverFlags }

func (c *endpointsList) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var list struct {
		Endpoints []web.Endpoint `json:"endpoints"`
	}
	if err := api.do(ctx, "GET", "/api/v1/endpoints", &list); err != nil {
		return err
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tKIND\tSTATE\tWAITING\tURL\tNAME")
	for _, p := range list.Endpoints {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", p.ID, strings.TrimSpace(p.Kind+" "+p.Preset), endpointState(&p), p.Status.Pending, p.URL, p.Name)
	}
	return table.Flush()
}

// endpointState is how an endpoint does, in a few words.
func endpointState(p *web.Endpoint) string {
	switch {
	case p.Disabled != "":
		return "disabled: " + p.Disabled
	case p.Paused:
		return "paused"
	case p.Status.Fault != "":
		return "faulty: " + p.Status.Fault
	case p.Status.Failed > 0:
		return fmt.Sprintf("failing, %d in a row", p.Status.Failed)
	}
	return "on"
}

// endpointSetting is what add and set have in common.
type endpointSetting struct {
	URL      string            `help:"Where it is told."`
	Name     string            `help:"What it is called; the id when absent."`
	Preset   string            `help:"Of a connector or an SMS service."`
	Set      map[string]string `help:"Settings of the preset, as --set project=SUP." mapsep:"none"`
	Types    []string          `help:"Of message; none: all."`
	Clients  []string          `help:"Whose tickets; none: all."`
	Priority int               `help:"The least that is told, 1 being the highest; 0: all."`
	Paused   bool              `help:"Keep it, and tell it nothing."`
}

func (e *endpointSetting) setting(id string) web.EndpointSetting {
	name := e.Name
	if name == "" {
		name = id
	}
	return web.EndpointSetting{
		Name: name, URL: e.URL, Preset: e.Preset, Settings: e.Set, Types: e.Types, Clients: e.Clients, Priority: e.Priority, Paused: e.Paused,
	}
}

type endpointsAdd struct {
	ID   string `arg:"" help:"Small letters, digits and dashes."`
	Kind string `enum:"webhook,connector,mail,sms,alerts" default:"webhook" help:"webhook, connector, mail, sms, or alerts for one that tells us."`
	endpointSetting
	serverFlags
}

func (c *endpointsAdd) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var p web.Endpoint
	body := struct {
		ID   string `json:"id"`
		Kind string `json:"kind"`
		web.EndpointSetting
	}{c.ID, c.Kind, c.setting(c.ID)}
	if err := api.send(ctx, "POST", "/api/v1/endpoints", body, &p); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s is told of what happens from now on.\n", p.ID)
	if p.Secret != "" {
		fmt.Fprintf(o.out, "Its signing secret, told this once: %s\n", p.Secret)
	}
	return nil
}

type endpointsSet struct {
	ID string `arg:"" help:"Of the endpoint."`
	endpointSetting
	serverFlags
}

func (endpointsSet) Help() string { return "What is not said is taken away, but for the name." }

func (c *endpointsSet) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var p web.Endpoint
	if err := api.send(ctx, "PUT", endpointPath(c.ID, ""), c.setting(c.ID), &p); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s is %s.\n", p.ID, endpointState(&p))
	return nil
}

type endpointsSecret struct {
	ID     string `arg:"" help:"Of the endpoint."`
	Secret string `arg:"" help:"signing, token, password, …"`
	Make   bool   `help:"Make a new signing secret and print it."`
	serverFlags
}

func (c *endpointsSecret) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var body struct {
		Value string `json:"value,omitempty"`
	}
	if !c.Make {
		b, err := io.ReadAll(io.LimitReader(os.Stdin, 10_000))
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		if body.Value = strings.TrimRight(string(b), "\r\n"); body.Value == "" {
			return errors.New("standard input holds no secret")
		}
	}
	var made struct {
		Secret string `json:"secret"`
	}
	if err := api.send(ctx, "PUT", endpointPath(c.ID, "/secrets/"+url.PathEscape(c.Secret)), body, &made); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s has the secret %s. %s\n", c.ID, c.Secret, made.Secret)
	return nil
}

type endpointsRemove struct {
	ID string `arg:"" help:"Of the endpoint."`
	serverFlags
}

func (c *endpointsRemove) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	if err := api.do(ctx, "DELETE", endpointPath(c.ID, ""), nil); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s is told nothing any more.\n", c.ID)
	return nil
}

type endpointsTry struct {
	ID string `arg:"" help:"Of the endpoint."`
	serverFlags
}

func (c *endpointsTry) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var d web.Delivery
	if err := api.do(ctx, "POST", endpointPath(c.ID, "/try"), &d); err != nil {
		return err
	}
	for range 20 {
		if err := api.do(ctx, "GET", "/api/v1/deliveries/"+d.ID, &d); err != nil {
			return err
		}
		if d.Attempts > 0 {
			break
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	fmt.Fprintf(o.out, "%s: %s, %d tries, %s\n", d.ID, d.State, d.Attempts, d.Last)
	if d.State != "delivered" {
		return exitError{code: exitFailed}
	}
	return nil
}

type endpointsDead struct {
	ID string `arg:"" optional:"" help:"Of the endpoint; absent: of all."`
	serverFlags
}

func (c *endpointsDead) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {"500"}, "state": {"dead"}}
	if c.ID != "" {
		query.Set("endpoint", c.ID)
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tENDPOINT\tABOUT\tTYPE\tSINCE\tTRIES\tLAST")
	for {
		var page struct {
			Deliveries []web.Delivery `json:"deliveries"`
			Next       string         `json:"next"`
		}
		if err := api.do(ctx, "GET", "/api/v1/deliveries?"+query.Encode(), &page); err != nil {
			return err
		}
		for _, d := range page.Deliveries {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", d.ID, d.Endpoint, d.Key, d.Type, d.Made.Local().Format(time.DateTime), d.Attempts, d.Last)
		}
		if page.Next == "" {
			return table.Flush()
		}
		query.Set("cursor", page.Next)
	}
}

type endpointsReplay struct {
	What string `arg:"" help:"A delivery's id (msg_…), or an endpoint's for all its dead letters."`
	serverFlags
}

func (c *endpointsReplay) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	path, n := endpointPath(c.What, "/replay"), struct {
		Count int `json:"count"`
	}{}
	if strings.HasPrefix(c.What, "msg_") {
		path, n.Count = "/api/v1/deliveries/"+url.PathEscape(c.What)+"/replay", 1
	}
	if err := api.do(ctx, "POST", path, &n); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "Sent again: %d\n", n.Count)
	return nil
}

func endpointPath(id, rest string) string { return "/api/v1/endpoints/" + url.PathEscape(id) + rest }
