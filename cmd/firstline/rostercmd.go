package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firstline/callqueue/roster"
	"firstline/web"
)

type rosterCommand struct {
	Import rosterImport `cmd:"" help:"Take people on and change them, from a CSV file."`
	Shifts rosterShifts `cmd:"" help:"Plan a person's hours, from an iCalendar file."`
}

// serverFlags say which running server to ask.
type serverFlags struct {
	API         string `help:"Base URL of the API. Default: the demo's." placeholder:"http://127.0.0.1:8080"`
	Token       string `help:"API token. Default: the demo's." env:"FL_TOKEN"`
	Credentials string `help:"Demo credentials file." default:"var/demo-credentials.json" type:"path"`
}

func (f *serverFlags) client() (*apiClient, error) {
	demo, err := readDemoCredentials(f.Credentials)
	if err != nil {
		return nil, err
	}
	c := &apiClient{base: f.API, token: f.Token}
	if demo != nil {
		c.base, c.token = cmp.Or(f.API, demo.HTTP), cmp.Or(f.Token, demo.APIToken)
	}
	return c, nil
}

type rosterImport struct {
	File   string `arg:"" help:"CSV file: id,name,device,level,skills,pin." type:"existingfile"`
	DryRun bool   `help:"Show the difference and change nothing."`
	Remove bool   `help:"Who is not in the file leaves the roster."`
	serverFlags
}

func (rosterImport) Help() string {
	return `The first line names the columns, in any order; id and name have to be there.
Level is the support level, 1 to 4. Skills read "printer:3;network:2". Device is
where a person sits until they sign in elsewhere: who sits somewhere stays there.
Shows the difference, then applies exactly that, as a whole or not at all.

Exit codes: 0 done, 1 there are mistakes, or the server refused.`
}

func (c *rosterImport) Run(ctx context.Context, o *output) error {
	data, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	entries, err := roster.ParseCSV(data)
	var faults roster.Faults
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	var diff web.RosterDiff
	body := c.body(entries, "")
	if err := c.ask(ctx, api, body, true, &diff, faults); err != nil {
		return err
	}
	printDiff(o, diff)
	if c.DryRun || len(diff.Changes) == 0 {
		return nil
	}
	if err := c.ask(ctx, api, c.body(entries, diff.Digest), false, &diff, nil); err != nil {
		return err
	}
	fmt.Fprintln(o.out, "Applied.")
	return nil
}

// ask sends the roster. Mistakes found in the file are told together with those
// that only the server can see.
func (c *rosterImport) ask(ctx context.Context, api *apiClient, body any, dry bool, diff *web.RosterDiff, faults roster.Faults) error {
	path := "/api/v1/roster"
	if dry {
		path += "?dry_run=true"
	}
	err := api.put(ctx, path, body, diff)
	var told problemError
	if err != nil && (!errors.As(err, &told) || len(told.Details) == 0) && len(faults) == 0 {
		return err
	}
	lines := told.Details
	for _, f := range faults {
		lines = append(lines, f.String())
	}
	if len(lines) == 0 {
		return nil
	}
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(lineOf(a), lineOf(b)) })
	for i, l := range lines {
		lines[i] = c.File + ": " + l
	}
	return fmt.Errorf("nothing has changed: %d mistakes\n%s", len(lines), strings.Join(lines, "\n"))
}

func lineOf(message string) int {
	var n int
	if _, err := fmt.Sscanf(message, "line %d:", &n); err != nil {
		return 0 // of the file as a whole
	}
	return n
}

func (c *rosterImport) body(entries []roster.Entry, expect string) any {
	people := make([]web.RosterPerson, len(entries))
	for i, e := range entries {
		people[i] = web.RosterPerson{ID: e.ID, Name: e.Name, Device: e.Device, Level: e.Level, Skills: e.Skills, PIN: e.PIN, Line: e.Line}
	}
	return struct {
		People []web.RosterPerson `json:"people"`
		Remove bool               `json:"remove"`
		Expect string             `json:"expect,omitempty"`
	}{people, c.Remove, expect}
}

func printDiff(o *output, d web.RosterDiff) {
	for _, c := range d.Changes {
		fmt.Fprintf(o.out, "%s %s (%s)\n", map[string]string{roster.Added: "+", roster.Removed: "-"}[c.Kind]+c.Kind, c.Agent, c.Name)
		for _, f := range c.Fields {
			fmt.Fprintf(o.out, "    %-7s %s → %s\n", f.Name, cmp.Or(f.From, "(none)"), cmp.Or(f.To, "(none)"))
		}
	}
	if len(d.Absent) > 0 {
		fmt.Fprintf(o.out, "%d people are not in the file and stay (--remove lets them go).\n", len(d.Absent))
	}
	fmt.Fprintf(o.out, "%d changes, %d unchanged.\n", len(d.Changes), d.Unchanged)
}

type rosterShifts struct {
	File  string `arg:"" help:"iCalendar file (.ics)." type:"existingfile"`
	Agent string `help:"Whose hours. Default: the file's name without its ending."`
	serverFlags
}

func (rosterShifts) Help() string {
	return `Every event is a shift, and may repeat; one of the category BREAK is a planned
break. The hours replace those planned before. Times without a zone are in that of
X-WR-TIMEZONE, else in UTC.`
}

func (c *rosterShifts) Run(ctx context.Context, o *output) error {
	data, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	agent := cmp.Or(c.Agent, strings.TrimSuffix(filepath.Base(c.File), filepath.Ext(c.File)))
	var done struct {
		Entries int `json:"entries"`
	}
	err = api.put(ctx, "/api/v1/agents/"+url.PathEscape(agent)+"/shifts", map[string]string{"calendar": string(data)}, &done)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s has %d entries in the plan.\n", agent, done.Entries)
	return nil
}

// problemError is a refusal of the API (RFC 9457).
type problemError struct {
	Status  string
	Detail  string
	Details []string // messages of the single faults
}

func (e problemError) Error() string {
	return fmt.Sprintf("the API answers %s: %s", e.Status, e.Detail)
}

// put sends a body and decodes the answer into v. A refusal is a problemError.
func (c *apiClient) put(ctx context.Context, path string, body, v any) error {
	return c.hand(ctx, http.MethodPut, path, body, v)
}

// post is put with another verb.
func (c *apiClient) post(ctx context.Context, path string, body, v any) error {
	return c.hand(ctx, http.MethodPost, path, body, v)
}

func (c *apiClient) hand(ctx context.Context, method, path string, body, v any) error {
	if c.base == "" || c.token == "" {
		return errors.New("no API address and token: give --api and --token, or --credentials with the demo's file")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base, "/")+path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("API address %q: %w", c.base, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		var problem struct {
			Detail string
			Errors []struct{ Message string }
		}
		_ = json.NewDecoder(resp.Body).Decode(&problem) // the status says enough
		told := problemError{Status: resp.Status, Detail: problem.Detail}
		for _, e := range problem.Errors {
			told.Details = append(told.Details, e.Message)
		}
		return told
	}
	return json.NewDecoder(resp.Body).Decode(v)
}
