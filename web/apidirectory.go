package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/tickets/customers"
)

// Directory is what is known of those who call: customers.Directory, whose errors count.
type Directory interface {
	List(k customers.Kind, f customers.Filter) []customers.Entry
	Entry(k customers.Kind, id string) (customers.Entry, error)
	Put(ctx context.Context, e customers.Entry, pin *string, version int64, by string) (customers.Entry, error)
	Remove(ctx context.Context, k customers.Kind, id string, version int64, by string) error
	Import(ctx context.Context, k customers.Kind, data []byte, o customers.Options) (customers.Diff, error)
	Export(k customers.Kind) []byte
	ByNumber(number, client string) customers.Match
	Standing(c call.Customer, day time.Time) customers.Standing
	Taken(c call.Customer) ([]call.Service, []call.Asset)
}

// maxDirectoryBody is for as many entries as one import takes.
const maxDirectoryBody = 8 << 20

// DirectoryEntry is one entry: exactly one of customer, company, service and asset.
type DirectoryEntry struct {
	Customer *call.Customer    `json:"customer,omitempty"`
	Company  *call.Company     `json:"company,omitempty"`
	Service  *call.Service     `json:"service,omitempty"`
	Asset    *call.Asset       `json:"asset,omitempty"`
	PIN      bool              `json:"pin,omitempty" doc:"the customer has one"`
	Since    time.Time         `json:"since"`
	Changed  time.Time         `json:"changed"`
	By       string            `json:"by" doc:"who changed it last"`
	Version  int64             `json:"version" doc:"an edit says on which it was made, in If-Match"`
	History  []DirectoryChange `json:"history,omitempty" doc:"oldest first; not in a list"`
}

// DirectoryChange is one change of an entry.
type DirectoryChange struct {
	At     time.Time        `json:"at"`
	By     string           `json:"by"`
	Kind   string           `json:"kind" enum:"added,changed,removed,pin"`
	Fields []DirectoryField `json:"fields"`
}

// DirectoryField is one thing that changes.
type DirectoryField struct {
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`
}

// DirectoryDiff is what an import changes.
type DirectoryDiff struct {
	Applied   bool                  `json:"applied"`
	Changes   []DirectoryDifference `json:"changes"`
	Unchanged int                   `json:"unchanged"`
	Absent    int                   `json:"absent" doc:"in the table, not in the file, and staying"`
	Digest    string                `json:"digest" doc:"names this difference"`
}

// DirectoryDifference is what happens to one entry.
type DirectoryDifference struct {
	ID     string           `json:"id"`
	Name   string           `json:"name"`
	Kind   string           `json:"kind" enum:"added,changed,removed"`
	Fields []DirectoryField `json:"fields"`
}

// TableIn names a table. Exported, because huma fills in embedded fields only then.
type TableIn struct {
	Kind customers.Kind `path:"kind" enum:"customers,companies,services,assets"`
}

type listDirectoryIn struct {
	TableIn
	Paging
	Text    string         `query:"q" maxLength:"100" doc:"in the id, name, numbers, mail, account or serial"`
	Company call.CompanyID `query:"company" maxLength:"64"`
}

type listDirectoryOut struct {
	Body struct {
		Entries []DirectoryEntry `json:"entries" doc:"by id"`
		Next    string           `json:"next,omitempty" doc:"cursor of the next page"`
	}
}

type directoryIn struct {
	TableIn
	ID string `path:"id" maxLength:"64"`
}

type directoryOut struct {
	ETag string `header:"ETag" doc:"the version, for If-Match"`
	Body DirectoryEntry
}

type putDirectoryIn struct {
	TableIn
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" maxLength:"30" doc:"the ETag of the entry as it was read; left out for one that is new"`
	Body    struct {
		Customer *call.Customer `json:"customer,omitempty"`
		Company  *call.Company  `json:"company,omitempty"`
		Service  *call.Service  `json:"service,omitempty"`
		Asset    *call.Asset    `json:"asset,omitempty"`
		PIN      *string        `json:"pin,omitempty" doc:"4 to 12 digits; empty takes the PIN away, left out it stays"` // judged by the directory: an error of huma's would hold it
	} `doc:"the whole entry: what is left out is empty afterwards"`
}

type removeDirectoryIn struct {
	TableIn
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match" maxLength:"30" doc:"the ETag of the entry as it was read"`
}

type importDirectoryIn struct {
	TableIn
	DryRun bool `query:"dry_run" doc:"only say what would change"`
	Body   struct {
		CSV    string `json:"csv" doc:"the file: a header line with the names of the columns, then an entry a line"`
		Remove bool   `json:"remove,omitempty" doc:"what is not in the file leaves the table"`
		Expect string `json:"expect,omitempty" maxLength:"64" doc:"digest of a dry run: apply that difference or nothing (409)"`
	}
}

type importDirectoryOut struct{ Body DirectoryDiff }

type exportDirectoryOut struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte `contentType:"text/csv"`
}

func (s *Server) directoryRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/directory/{kind}", "list-directory", "Customers, companies, services or assets", Agent), s.listDirectory)
	register(s, api, operation(http.MethodGet, "/directory/{kind}/{id}", "read-directory", "One of them, with its history", Agent, 404), s.readDirectory)
	put := operation(http.MethodPut, "/directory/{kind}/{id}", "put-directory", "Take one on, or change it", Agent, 412, 422, 428, 503)
	put.Description += " Anything but a customer, and a PIN, needs a supervisor."
	register(s, api, put, s.putDirectory)
	register(s, api, operation(http.MethodDelete, "/directory/{kind}/{id}", "remove-directory", "Take one out", Supervisor, 404, 412, 422, 428, 503), s.removeDirectory)
	in := operation(http.MethodPut, "/directory-files/{kind}", "import-directory", "Make a table as a CSV file has it", Supervisor, 409, 422, 503)
	in.Description += " All faults come at once, each with its line. The file is taken as a whole or not at all."
	in.MaxBodyBytes = maxDirectoryBody
	register(s, api, in, s.importDirectory)
	register(s, api, operation(http.MethodGet, "/directory-files/{kind}", "export-directory", "A table as a CSV file, without PINs; no cell is a formula to a spreadsheet", Supervisor), s.exportDirectory)
}

func directoryView(e customers.Entry) DirectoryEntry {
	return DirectoryEntry{
		Customer: e.Customer, Company: e.Company, Service: e.Service, Asset: e.Asset,
		PIN: e.PIN, Since: e.Since, Changed: e.Changed, By: e.By, Version: e.Version,
	}
}

func (s *Server) listDirectory(_ context.Context, in *listDirectoryIn) (*listDirectoryOut, error) {
	rows := s.cfg.Directory.List(in.Kind, customers.Filter{Text: in.Text, Company: in.Company, After: in.Cursor, Limit: in.Limit + 1})
	out := new(listDirectoryOut)
	rows, out.Body.Next = page(rows, in.Limit, func(e customers.Entry) string { return e.ID() })
	out.Body.Entries = make([]DirectoryEntry, 0, len(rows))
	for _, e := range rows {
		out.Body.Entries = append(out.Body.Entries, directoryView(e))
	}
	return out, nil
}

func (s *Server) readDirectory(ctx context.Context, in *directoryIn) (*directoryOut, error) {
	e, err := s.cfg.Directory.Entry(in.Kind, in.ID)
	if err != nil {
		return nil, err
	}
	story, err := s.cfg.Events.Events(ctx, EventFilter{Stream: in.Kind.Stream(in.ID), Limit: maxPage})
	if err != nil {
		return nil, err
	}
	out := directoryAnswer(e)
	for _, c := range customers.History(story) {
		out.Body.History = append(out.Body.History, DirectoryChange{At: c.At, By: c.By, Kind: c.Kind, Fields: fieldViews(c.Fields)})
	}
	return out, nil
}

func directoryAnswer(e customers.Entry) *directoryOut {
	return &directoryOut{ETag: etag(e.Version), Body: directoryView(e)}
}

func fieldViews(fields []customers.Field) []DirectoryField {
	all := make([]DirectoryField, 0, len(fields))
	for _, f := range fields {
		all = append(all, DirectoryField(f))
	}
	return all
}

// matched is the version that an edit was made on; 0 where none is named and none is
// there.
func (s *Server) matched(k customers.Kind, id, ifMatch string) (int64, error) {
	if ifMatch == "" {
		if _, err := s.cfg.Directory.Entry(k, id); err != nil {
			return 0, nil //nolint:nilerr // there is none: it is taken on
		}
	}
	return versionIn(ifMatch)
}

func (s *Server) putDirectory(ctx context.Context, in *putDirectoryIn) (*directoryOut, error) {
	if (in.Kind != customers.People || in.Body.PIN != nil) && !whoOf(ctx).Role.may(Supervisor) {
		return nil, huma.Error403Forbidden("a supervisor may do this")
	}
	e := customers.Entry{Customer: in.Body.Customer, Company: in.Body.Company, Service: in.Body.Service, Asset: in.Body.Asset}
	if e.Kind() != in.Kind || e.ID() != in.ID {
		return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("the body is not of the %s with the id %q", in.Kind, in.ID))
	}
	if in.Body.PIN != nil && in.Body.Customer == nil {
		return nil, huma.Error422UnprocessableEntity("only a customer has a PIN")
	}
	version, err := s.matched(in.Kind, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	e, err = s.cfg.Directory.Put(ctx, e, in.Body.PIN, version, s.by(ctx))
	if faults, ok := errors.AsType[customers.Faults](err); ok {
		return nil, directoryProblem(faults)
	}
	if err != nil {
		return nil, err
	}
	return directoryAnswer(e), nil
}

func (s *Server) removeDirectory(ctx context.Context, in *removeDirectoryIn) (*struct{}, error) {
	version, err := s.matched(in.Kind, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Directory.Remove(ctx, in.Kind, in.ID, version, s.by(ctx))
}

func (s *Server) importDirectory(ctx context.Context, in *importDirectoryIn) (*importDirectoryOut, error) {
	d, err := s.cfg.Directory.Import(ctx, in.Kind, []byte(in.Body.CSV), customers.Options{
		Remove: in.Body.Remove, DryRun: in.DryRun, Expect: in.Body.Expect, By: s.by(ctx),
	})
	if faults, ok := errors.AsType[customers.Faults](err); ok {
		return nil, directoryProblem(faults)
	}
	if errors.Is(err, customers.ErrStale) {
		return nil, huma.Error409Conflict(err.Error())
	}
	if err != nil {
		return nil, err
	}
	out := &importDirectoryOut{DirectoryDiff{
		Applied: !in.DryRun, Changes: []DirectoryDifference{}, Unchanged: d.Unchanged, Absent: d.Absent, Digest: d.Digest,
	}}
	for _, c := range d.Changes {
		out.Body.Changes = append(out.Body.Changes, DirectoryDifference{ID: c.ID, Name: c.Name, Kind: c.Kind, Fields: fieldViews(c.Fields)})
	}
	return out, nil
}

// directoryProblem tells all faults, without the values of PINs.
func directoryProblem(faults customers.Faults) error {
	var details []error
	for _, f := range faults {
		details = append(details, &huma.ErrorDetail{Location: "body." + f.Field, Message: f.String()})
	}
	return huma.Error422UnprocessableEntity(fmt.Sprintf("%d mistakes; nothing has changed", len(faults)), details...)
}

func (s *Server) exportDirectory(_ context.Context, in *TableIn) (*exportDirectoryOut, error) {
	return &exportDirectoryOut{
		ContentType: "text/csv; charset=utf-8", Disposition: fmt.Sprintf("attachment; filename=%q", string(in.Kind)+".csv"),
		Body: s.cfg.Directory.Export(in.Kind),
	}, nil
}
