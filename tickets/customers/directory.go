package customers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/call/pin"
)

// Config is what a Directory needs; Journal and PINs are required.
type Config struct {
	Journal call.Journal
	PINs    PINs
	Log     *zap.Logger                        // nil: none
	Normal  func(number, client string) string // a number in E.164, as that client's lines have it; nil: as it is
	Client  func(id string) bool               // whether there is such a client; nil: any
	Queue   func(id call.QueueID) bool         // whether there is such a queue; nil: any
	Cost    pin.Cost                           // of a PIN
}

// Directory is all that is known of those who call. Its methods are safe for use by
// many goroutines; changes happen one after the other.
type Directory struct {
	cfg  Config
	log  *zap.Logger
	pins *vault
	turn pin.Turn // held by the change under way

	mu     sync.RWMutex // guards what follows
	tables map[Kind]map[string]*Entry
	by     index
}

// New returns the directory as it was kept.
func New(cfg Config, kept []Entry, pins map[call.CustomerID]string) *Directory {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	d := &Directory{cfg: cfg, log: cfg.Log, pins: newVault(cfg.Cost, pins), turn: pin.NewTurn(), tables: make(map[Kind]map[string]*Entry)}
	for _, k := range Kinds() {
		d.tables[k] = make(map[string]*Entry)
	}
	for _, e := range kept {
		if k := e.Kind(); k != "" {
			d.tables[k][e.ID()] = &e
		}
	}
	d.by = indexOf(d.tables[People])
	return d
}

// entry is what there is by an id; nil when it is not there, or was removed.
func (d *Directory) entry(k Kind, id string) *Entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if e := d.tables[k][id]; e != nil && !e.Removed {
		return e
	}
	return nil
}

// Entry returns an entry, or ErrUnknown.
func (d *Directory) Entry(k Kind, id string) (Entry, error) {
	if e := d.entry(k, id); e != nil {
		return *e, nil
	}
	return Entry{}, fmt.Errorf("%w: %s %q", ErrUnknown, k, id)
}

// Customer returns a person, or ErrUnknown.
func (d *Directory) Customer(id call.CustomerID) (call.Customer, error) {
	e, err := d.Entry(People, string(id))
	if err != nil {
		return call.Customer{}, err
	}
	return *e.Customer, nil
}

func (d *Directory) clientOf(c call.CompanyID) string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.clientOfLocked(c)
}

func (d *Directory) clientOfLocked(c call.CompanyID) string {
	if e := d.tables[Companies][string(c)]; e != nil && !e.Removed {
		return e.Company.Client
	}
	return ""
}

// Filter narrows a list; a zero field does not narrow.
type Filter struct {
	Text    string // in the id, name, numbers, mail, account or serial
	Company call.CompanyID
	After   string // an id
	Limit   int
}

// List returns entries by id.
func (d *Directory) List(k Kind, f Filter) []Entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	text := strings.ToLower(strings.TrimSpace(f.Text))
	var out []Entry
	for _, id := range slices.Sorted(maps.Keys(d.tables[k])) {
		e := d.tables[k][id]
		switch {
		case f.Limit > 0 && len(out) == f.Limit:
			return out
		case e.Removed, id <= f.After && f.After != "":
		case f.Company != "" && e.text("company") != string(f.Company):
		case text != "" && !e.has(text):
		default:
			out = append(out, *e)
		}
	}
	return out
}

func (e *Entry) has(text string) bool {
	for _, name := range []string{"id", "name", "numbers", "mail", "account", "serial"} {
		if strings.Contains(strings.ToLower(e.text(name)), text) {
			return true
		}
	}
	return false
}

// Put takes an entry on or changes it, when it is still at that version: 0 for one
// that is not there. ErrStale when it is not; Faults for what is wrong with it.
// secret is another PIN; nil leaves it as it is, empty takes it away.
func (d *Directory) Put(ctx context.Context, e Entry, secret *string, version int64, by string) (Entry, error) {
	release, err := d.turn.Take(ctx)
	if err != nil {
		return Entry{}, err
	}
	defer release()
	k, id := e.Kind(), e.ID()
	at := int64(0)
	if was := d.entry(k, id); was != nil {
		at = was.Version
	}
	if at != version {
		return Entry{}, fmt.Errorf("%w: %s %q is at version %d, the edit was made on %d", ErrStale, k, id, at, version)
	}
	r := row{Entry: e}
	if secret != nil {
		r.pin, r.pinSaid = *secret, true
	}
	p, err := d.plan(k, []row{r}, false)
	if err != nil {
		return Entry{}, err
	}
	if err := d.carryOut(ctx, p, by); err != nil {
		return Entry{}, err
	}
	return d.Entry(k, id)
}

// Remove takes an entry out, when it is still at that version. An entry that others
// name stays: ErrInvalid says which.
func (d *Directory) Remove(ctx context.Context, k Kind, id string, version int64, by string) error {
	release, err := d.turn.Take(ctx)
	if err != nil {
		return err
	}
	defer release()
	e, err := d.Entry(k, id)
	switch {
	case err != nil:
		return err
	case e.Version != version:
		return fmt.Errorf("%w: %s %q is at version %d, the edit was made on %d", ErrStale, k, id, e.Version, version)
	}
	p := plan{kind: k, removed: []*Entry{&e}}
	if err := d.named(p).err(); err != nil {
		return err
	}
	return d.carryOut(ctx, p, by)
}

// carryOut writes a plan, all of it or nothing: hashes first, which are put back
// when the journal does not take the events.
func (d *Directory) carryOut(ctx context.Context, p plan, by string) error {
	if len(p.next)+len(p.removed)+len(p.pins) == 0 {
		return nil
	}
	hashes, before := make(map[call.CustomerID]string), make(map[call.CustomerID]string)
	for id, secret := range p.pins {
		hashes[id], before[id] = "", d.pins.of(id)
		if secret != "" {
			hashes[id] = pin.Hash(d.cfg.Cost, secret)
		}
	}
	for _, e := range p.removed {
		if e.Customer != nil && e.PIN {
			hashes[e.Customer.ID], before[e.Customer.ID] = "", d.pins.of(e.Customer.ID)
		}
	}
	if len(hashes) > 0 {
		if err := d.cfg.PINs.PutCustomerPINs(ctx, hashes); err != nil {
			return fmt.Errorf("customers: PINs: %w", err)
		}
	}
	evs := p.events(time.Now(), by)
	if err := d.cfg.Journal.Append(ctx, evs...); err != nil {
		err = fmt.Errorf("customers: %w", err)
		if len(hashes) > 0 {
			err = errors.Join(err, d.cfg.PINs.PutCustomerPINs(context.WithoutCancel(ctx), before))
		}
		return err
	}
	d.pins.set(hashes)
	d.apply(p.kind, evs)
	d.log.Info("directory changed", zap.String("table", string(p.kind)), zap.Int("events", len(evs)), zap.String("by", by))
	return nil
}

// apply takes in what was written.
func (d *Directory) apply(k Kind, evs []call.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	table := maps.Clone(d.tables[k])
	for _, ev := range evs {
		next := Entry{}
		if was := table[ev.Stream.ID]; was != nil {
			next = *was
		}
		if err := next.Apply(ev); err != nil {
			d.log.Error("directory", zap.Error(err)) // a rule of ours was broken
			continue
		}
		table[ev.Stream.ID] = &next
	}
	d.tables[k] = table
	if k == People {
		d.by = indexOf(table)
	}
}

// Size is how many entries a table has.
func (d *Directory) Size(k Kind) int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	n := 0
	for _, e := range d.tables[k] {
		if !e.Removed {
			n++
		}
	}
	return n
}
