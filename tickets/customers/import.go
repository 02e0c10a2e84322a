package customers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"firstline/call"
	"firstline/call/pin"
)

// Limits of one import.
const (
	MaxImport = 20_000 // entries
	MaxPINs   = 200    // of them with a PIN: each takes nearly a tenth of a second to hash, on purpose
)

// Options of an import.
type Options struct {
	Remove bool   // what is not in the file leaves the table
	DryRun bool   // only say what would change
	Expect string // Diff.Digest of a dry run: apply that and nothing else; empty applies whatever there is
	By     string
}

// Diff is what an import changes.
type Diff struct {
	Changes   []Difference
	Unchanged int
	Absent    int    // in the table, not in the file, and staying
	Digest    string // names this difference
}

// The kinds of Difference.
const (
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
)

// Difference is what happens to one entry.
type Difference struct {
	ID, Name string
	Kind     string
	Fields   []Field
}

// Field is one thing that changes. A PIN shows as "****".
type Field struct{ Name, From, To string }

// row is an entry to be put, with another PIN where that was said.
type row struct {
	Entry
	line    int
	pin     string
	pinSaid bool
}

// plan is a Diff and what carries it out.
type plan struct {
	diff    Diff
	kind    Kind
	next    []*Entry // what is added or changed, as it will be
	removed []*Entry
	pins    map[call.CustomerID]string
}

// Import reads a table's file and makes the table so: new entries are taken on,
// others changed; columns that the file lacks stay as they are. All faults come at
// once, as Faults, and then nothing has changed; ErrStale means that Expect names
// another difference.
func (d *Directory) Import(ctx context.Context, k Kind, data []byte, o Options) (Diff, error) {
	release, err := d.turn.Take(ctx)
	if err != nil {
		return Diff{}, err
	}
	defer release()
	rows, err := d.read(k, data)
	if err != nil {
		return Diff{}, err
	}
	p, err := d.plan(k, rows, o.Remove)
	switch {
	case err != nil:
		return Diff{}, err
	case o.DryRun:
		return p.diff, nil
	case o.Expect != "" && o.Expect != p.diff.Digest:
		return p.diff, fmt.Errorf("%w: look at the difference once more", ErrStale)
	}
	return p.diff, d.carryOut(ctx, p, o.By)
}

// plan looks at rows alone, then at what they have in common, and says what comes of
// them.
func (d *Directory) plan(k Kind, rows []row, remove bool) (plan, error) {
	p := plan{kind: k, pins: make(map[call.CustomerID]string)}
	var fs Faults
	first := make(map[string]int)
	for i := range rows {
		r := &rows[i]
		d.tidy(&r.Entry)
		for _, f := range append(d.faults(&r.Entry), r.pinFaults(d)...) {
			f.Line = r.line
			fs = append(fs, f)
		}
		if line, again := first[r.ID()]; again {
			fs = append(fs, Fault{r.line, "id", fmt.Sprintf("%q stands twice, first in line %d: leave one of them", r.ID(), line)})
			continue
		}
		first[r.ID()] = r.line
		p.take(d.entry(k, r.ID()), r)
	}
	for _, e := range d.List(k, Filter{}) {
		switch _, named := first[e.ID()]; {
		case named:
		case remove:
			p.removed = append(p.removed, &e)
			p.diff.Changes = append(p.diff.Changes, Difference{ID: e.ID(), Name: e.Name(), Kind: Removed})
		default:
			p.diff.Absent++
		}
	}
	fs = append(fs, d.accountFaults(p)...)
	fs = append(fs, d.named(p)...)
	if len(p.pins) > MaxPINs {
		fs = append(fs, Fault{Text: fmt.Sprintf("%d PINs; one import takes at most %d: cut the file", len(p.pins), MaxPINs)})
	}
	slices.SortStableFunc(fs, func(a, b Fault) int { return a.Line - b.Line })
	p.diff.Digest = digest(p.diff)
	return p, fs.err()
}

// take notes what comes of a row.
func (p *plan) take(was *Entry, r *row) {
	c := Difference{ID: r.ID(), Name: r.Name(), Kind: Changed}
	if was == nil {
		c.Kind, was = Added, &Entry{}
	}
	c.Fields = differences(was, &r.Entry)
	set := len(c.Fields) > 0 || c.Kind == Added
	if r.pinSaid && (r.pin != "" || was.PIN) {
		p.pins[r.Customer.ID] = r.pin
		c.Fields = append(c.Fields, Field{pinColumn, "", map[bool]string{true: "****"}[r.pin != ""]})
	}
	if len(c.Fields) == 0 && c.Kind != Added {
		p.diff.Unchanged++
		return
	}
	p.diff.Changes = append(p.diff.Changes, c)
	if set {
		p.next = append(p.next, &r.Entry)
	}
}

func (r *row) pinFaults(d *Directory) Faults {
	if !r.pinSaid || r.pin == "" || r.Customer == nil {
		return nil
	}
	switch fault := pin.Fault(r.Customer.Account, r.pin); {
	case r.Customer.Account == "":
		return Faults{{Field: pinColumn, Text: "needs an account, to be keyed before it"}}
	case fault != "":
		return Faults{{Field: pinColumn, Text: fault}}
	}
	return nil
}

// accountFaults finds accounts that two people would have.
func (d *Directory) accountFaults(p plan) Faults {
	if p.kind != People {
		return nil
	}
	gone, whose := make(map[string]bool), make(map[string]string)
	for _, e := range slices.Concat(p.next, p.removed) {
		gone[e.ID()] = true
	}
	for _, e := range d.List(People, Filter{}) {
		if a := e.Customer.Account; a != "" && !gone[e.ID()] {
			whose[a] = e.ID()
		}
	}
	var fs Faults
	for _, e := range p.next {
		a := e.Customer.Account
		if other, taken := whose[a]; taken {
			fs = append(fs, Fault{Field: "account", Text: fmt.Sprintf("%s of %s is %s's: an account is one person's", a, e.ID(), other)})
		} else if a != "" {
			whose[a] = e.ID()
		}
	}
	return fs
}

// named finds entries that would be removed and are named by others that stay.
func (d *Directory) named(p plan) Faults {
	column := map[Kind]string{Companies: "company", People: "customer", Services: "service"}[p.kind]
	if column == "" || len(p.removed) == 0 {
		return nil
	}
	going := make(map[string]bool)
	for _, e := range p.removed {
		going[e.ID()] = true
	}
	var fs Faults
	for _, k := range Kinds() {
		for _, e := range d.List(k, Filter{}) {
			if to := e.text(column); k != p.kind && going[to] {
				going[to] = false // one example is enough
				fs = append(fs, Fault{Text: fmt.Sprintf("%s %s cannot go: %s of the %s is of it", column, to, e.ID(), k)})
			}
		}
	}
	return fs
}

func digest(d Diff) string {
	text, err := json.Marshal(d)
	if err != nil {
		return "" // strings and numbers always can
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// events are what the plan comes to, in one piece.
func (p plan) events(at time.Time, by string) []call.Event {
	var evs []call.Event
	for _, e := range p.removed {
		evs = append(evs, e.event(at, call.DirectoryRemoved{By: by}))
	}
	for _, e := range p.next {
		evs = append(evs, e.set(at, by))
	}
	for id, secret := range p.pins {
		evs = append(evs, call.Event{
			Stream: People.Stream(string(id)), At: call.Instant(at), Body: call.CustomerPINChanged{By: by, Set: secret != ""},
		})
	}
	return evs
}
