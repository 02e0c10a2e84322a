package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"firstline/tickets/customers"
	"firstline/web"
)

// tableImport brings one table of the directory in; it is a word of "import".
type tableImport struct {
	File   string `arg:"" help:"CSV file; the first line names the columns." type:"existingfile"`
	DryRun bool   `help:"Show the difference and change nothing."`
	Remove bool   `help:"What is not in the file leaves the table."`
	serverFlags
}

type (
	importCustomers struct{ tableImport }
	importCompanies struct{ tableImport }
	importServices  struct{ tableImport }
	importAssets    struct{ tableImport }
)

func (importCustomers) Help() string { return tableHelp(customers.People) }
func (importCompanies) Help() string { return tableHelp(customers.Companies) }
func (importServices) Help() string  { return tableHelp(customers.Services) }
func (importAssets) Help() string    { return tableHelp(customers.Assets) }

func tableHelp(k customers.Kind) string {
	return fmt.Sprintf(`Columns, in any order: %s. Only id has to be there for what is known already; a
column that the file lacks stays as it is. Parts of a list stand between semicolons.
Shows the difference, then applies exactly that, as a whole or not at all. Companies
come first, then services, customers and assets, which name them.

Exit codes: 0 done, 1 there are mistakes, or the server refused.`, strings.Join(k.Columns(), ", "))
}

func (c *importCustomers) Run(ctx context.Context, o *output) error {
	return c.run(ctx, o, customers.People)
}

func (c *importCompanies) Run(ctx context.Context, o *output) error {
	return c.run(ctx, o, customers.Companies)
}

func (c *importServices) Run(ctx context.Context, o *output) error {
	return c.run(ctx, o, customers.Services)
}

func (c *importAssets) Run(ctx context.Context, o *output) error {
	return c.run(ctx, o, customers.Assets)
}

func (c *tableImport) run(ctx context.Context, o *output, k customers.Kind) error {
	data, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	diff, err := c.ask(ctx, api, k, string(data), "?dry_run=true", "")
	if err != nil {
		return err
	}
	printDirectoryDiff(o, diff)
	if c.DryRun || len(diff.Changes) == 0 {
		return nil
	}
	if _, err := c.ask(ctx, api, k, string(data), "", diff.Digest); err != nil {
		return err
	}
	fmt.Fprintln(o.out, "Applied.")
	return nil
}

func (c *tableImport) ask(ctx context.Context, api *apiClient, k customers.Kind, csv, query, expect string) (diff web.DirectoryDiff, err error) {
	body := struct {
		CSV    string `json:"csv"`
		Remove bool   `json:"remove"`
		Expect string `json:"expect,omitempty"`
	}{csv, c.Remove, expect}
	err = api.put(ctx, "/api/v1/directory-files/"+url.PathEscape(string(k))+query, body, &diff)
	var told problemError
	if !errors.As(err, &told) || len(told.Details) == 0 {
		return diff, err
	}
	for i, l := range told.Details {
		told.Details[i] = c.File + ": " + l
	}
	return diff, fmt.Errorf("nothing has changed: %d mistakes\n%s", len(told.Details), strings.Join(told.Details, "\n"))
}

func printDirectoryDiff(o *output, d web.DirectoryDiff) {
	for _, c := range d.Changes {
		fmt.Fprintf(o.out, "%s %s (%s)\n", map[string]string{customers.Added: "+", customers.Removed: "-"}[c.Kind]+c.Kind, c.ID, c.Name)
		for _, f := range c.Fields {
			fmt.Fprintf(o.out, "    %-10s %s → %s\n", f.Name, cmp.Or(f.From, "(none)"), cmp.Or(f.To, "(none)"))
		}
	}
	if d.Absent > 0 {
		fmt.Fprintf(o.out, "%d entries are not in the file and stay (--remove takes them out).\n", d.Absent)
	}
	fmt.Fprintf(o.out, "%d changes, %d unchanged.\n", len(d.Changes), d.Unchanged)
}

// exportTable writes one table of the directory.
type exportTable struct {
	Table string `arg:"" help:"customers, companies, services or assets." enum:"customers,companies,services,assets"`
	Out   string `short:"o" help:"File to write. Default: standard output." type:"path"`
	serverFlags
}

func (exportTable) Help() string {
	return `As import reads it, but for PINs. No cell is a formula to a spreadsheet: one that
would be has an apostrophe before it, which import takes away.`
}

func (c *exportTable) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	data, err := api.text(ctx, "/api/v1/directory-files/"+url.PathEscape(c.Table))
	if err != nil {
		return err
	}
	if c.Out == "" {
		_, err = o.out.Write(data)
		return err
	}
	return os.WriteFile(c.Out, data, 0o600) // names and numbers of people
}

// text reads what is no JSON.
func (c *apiClient) text(ctx context.Context, path string) ([]byte, error) {
	if c.base == "" || c.token == "" {
		return nil, errors.New("no API address and token: give --api and --token, or --credentials with the demo's file")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.base, "/")+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("API address %q: %w", c.base, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, problemError{Status: resp.Status, Detail: path}
	}
	return io.ReadAll(resp.Body)
}
