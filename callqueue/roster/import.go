package roster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// Limits of one import.
const (
	MaxImport = 5000 // people
	MaxPINs   = 200  // of them with a PIN: each takes nearly a tenth of a second to hash, on purpose
)

// Entry is one person to import. Device is where the person sits until they sign
// in elsewhere: who sits somewhere already stays there. An empty PIN leaves the
// PIN as it is.
type Entry struct {
	Line int // of the file that it came from, 0 for none; for messages
	agents.Agent
	PIN string
}

// Fault is one mistake of an import.
type Fault struct {
	Row   int    // of the entries, from 0; -1 for the file as a whole
	Line  int    // of the file, 0 for none
	Field string // "id", "pin"
	Text  string
}

// String puts the line in front. It never holds a PIN.
func (f Fault) String() string {
	var b strings.Builder
	if f.Line > 0 {
		b.WriteString("line " + strconv.Itoa(f.Line) + ": ")
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	return b.String() + f.Text
}

// Faults are all mistakes of an import, at once. They match ErrInvalid.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Is makes Faults match ErrInvalid.
func (fs Faults) Is(target error) bool { return target == ErrInvalid }

func (fs Faults) err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// Options of an import.
type Options struct {
	Remove bool   // who is not in the import leaves the roster
	DryRun bool   // only say what would change
	Expect string // Diff.Digest of a dry run: apply that and nothing else; empty applies whatever there is
	By     string
}

// Diff is what an import changes.
type Diff struct {
	Changes   []Change
	Unchanged int
	Absent    []call.AgentID // on the roster, not in the import, and staying
	Digest    string         // names this difference
}

// The kinds of Change.
const (
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
)

// Change is what happens to one person.
type Change struct {
	Agent  call.AgentID
	Name   string
	Kind   string
	Fields []Field
}

// Field is one thing that changes. A PIN shows as "****".
type Field struct{ Name, From, To string }

// Import takes people on, changes them and, if asked to, lets those go who are
// not in it. All faults come at once, as Faults, and then nothing has changed;
// ErrStale means that Expect names another difference. Whoever would be removed
// has to be out of any talk (callqueue.ErrTalking).
func (r *Roster) Import(ctx context.Context, entries []Entry, o Options) (Diff, error) {
	var hashes map[call.AgentID]string
	if !o.DryRun {
		hashes = r.hashAll(ctx, entries) // before the turn: people sign in meanwhile
	}
	release, err := r.change(ctx)
	if err != nil {
		return Diff{}, err
	}
	defer release()
	r.mu.Lock()
	have := maps.Clone(r.people)
	r.mu.Unlock()
	if err := r.faults(have, entries).err(); err != nil {
		return Diff{}, err
	}
	if o.Remove && len(entries) == 0 {
		return Diff{}, Faults{{Row: -1, Text: "nobody would be left"}}
	}
	p := planOf(have, entries, o.Remove)
	switch {
	case o.DryRun:
		return p.diff, nil
	case o.Expect != "" && o.Expect != p.diff.Digest:
		return p.diff, fmt.Errorf("%w: look at the difference once more", ErrStale)
	}
	return p.diff, r.carryOut(ctx, p, hashes, o.By)
}

// faults looks at each entry alone, then at what they have in common.
func (r *Roster) faults(have map[call.AgentID]agents.Agent, entries []Entry) Faults {
	var fs Faults
	if len(entries) > MaxImport {
		return Faults{{Row: -1, Text: fmt.Sprintf("%d people; one import takes at most %d", len(entries), MaxImport)}}
	}
	if n := countPINs(entries); n > MaxPINs {
		return Faults{{Row: -1, Text: fmt.Sprintf("%d PINs; one import takes at most %d", n, MaxPINs)}}
	}
	ids := make(map[call.AgentID]int)
	seats := make(map[call.DeviceID]int)
	for i, e := range entries {
		add := func(field, format string, args ...any) {
			fs = append(fs, Fault{i, e.Line, field, fmt.Sprintf(format, args...)})
		}
		if !isID(string(e.ID)) {
			add("id", "%q is no id: take lower-case letters, digits, - and _, at most 64", e.ID)
		} else if first, again := ids[e.ID]; again {
			add("id", "%q stands twice%s", e.ID, firstIn(entries[first]))
		}
		ids[e.ID] = i
		if !isName(e.Name) {
			add("name", "%q is no name: 1 to 100 characters, none of them a control character", e.Name)
		}
		if e.Level < agents.MinLevel || e.Level > agents.MaxLevel {
			add("level", "%d is not between %d and %d", e.Level, agents.MinLevel, agents.MaxLevel)
		}
		for _, text := range r.skillFaults(e.Skills) {
			add("skills", "%s", text)
		}
		if text := pinFault(e.ID, e.PIN); text != "" {
			add("pin", "%s", text)
		}
		if e.Device == "" {
			continue
		}
		if err := r.mayBeSeat(e.Device); err != nil {
			add("device", "%v", strings.TrimPrefix(err.Error(), "roster: "))
		} else if first, again := seats[e.Device]; again {
			add("device", "%s is %s's%s", e.Device.Masked(), entries[first].ID, firstIn(entries[first]))
		} else if who, taken := at(have, e.Device); taken && who.ID != e.ID && have[e.ID].Device == "" {
			add("device", "%s sits at %s", who.ID, e.Device.Masked())
		}
		if _, again := seats[e.Device]; !again {
			seats[e.Device] = i
		}
	}
	return fs
}

func countPINs(entries []Entry) int {
	n := 0
	for _, e := range entries {
		if e.PIN != "" {
			n++
		}
	}
	return n
}

// hashAll hashes the PINs that may be used.
func (r *Roster) hashAll(ctx context.Context, entries []Entry) map[call.AgentID]string {
	if countPINs(entries) > MaxPINs {
		return nil // refused in a moment
	}
	hashes := make(map[call.AgentID]string)
	for _, e := range entries {
		if e.PIN != "" && pinFault(e.ID, e.PIN) == "" && ctx.Err() == nil {
			hashes[e.ID] = r.pins.hash(e.PIN)
		}
	}
	return hashes
}

func firstIn(e Entry) string {
	if e.Line == 0 {
		return ""
	}
	return fmt.Sprintf("; first in line %d", e.Line)
}

func (r *Roster) skillFaults(skills map[string]int) []string {
	var known []string
	if r.cfg.Skills != nil {
		known = r.cfg.Skills()
	}
	var texts []string
	for _, s := range slices.Sorted(maps.Keys(skills)) {
		if r.cfg.Skills != nil && !slices.Contains(known, s) {
			texts = append(texts, fmt.Sprintf("there is no skill %q", s))
		}
		if n := skills[s]; n < 1 || n > agents.MaxSkill {
			texts = append(texts, fmt.Sprintf("%s at %d is not between 1 and %d", s, n, agents.MaxSkill))
		}
	}
	return texts
}

func isID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func isName(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 100 && !strings.ContainsFunc(s, unicode.IsControl)
}

// plan is a Diff and what carries it out.
type plan struct {
	diff    Diff
	next    []agents.Agent // who is added or changed, as they will be
	removed []agents.Agent
}

func planOf(have map[call.AgentID]agents.Agent, entries []Entry, remove bool) plan {
	var p plan
	named := make(map[call.AgentID]bool)
	for _, e := range entries {
		named[e.ID] = true
		was, known := have[e.ID]
		next := e.Agent
		if known && was.Device != "" {
			next.Device = was.Device // an import moves nobody
		}
		c := Change{Agent: e.ID, Name: e.Name, Kind: Changed, Fields: fieldsOf(was, next, e.PIN)}
		if !known {
			c.Kind = Added
		}
		if known && len(c.Fields) == 0 {
			p.diff.Unchanged++
			continue
		}
		p.diff.Changes = append(p.diff.Changes, c)
		p.next = append(p.next, next)
	}
	for _, a := range sorted(have) {
		switch {
		case named[a.ID]:
		case remove:
			p.diff.Changes = append(p.diff.Changes, Change{Agent: a.ID, Name: a.Name, Kind: Removed})
			p.removed = append(p.removed, a)
		default:
			p.diff.Absent = append(p.diff.Absent, a.ID)
		}
	}
	p.diff.Digest = digest(p.diff)
	return p
}

func fieldsOf(was, next agents.Agent, pin string) []Field {
	var fields []Field
	add := func(name, from, to string) {
		if from != to {
			fields = append(fields, Field{name, from, to})
		}
	}
	add("name", was.Name, next.Name)
	add("device", was.Device.Masked(), next.Device.Masked())
	add("level", levelText(was.Level), levelText(next.Level))
	add("skills", skillsText(was.Skills), skillsText(next.Skills))
	if pin != "" {
		add("pin", "", "****")
	}
	return fields
}

func levelText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// skillsText writes skills as the CSV has them: "network:2;printer:3".
func skillsText(skills map[string]int) string {
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(skills)) {
		parts = append(parts, s+":"+strconv.Itoa(skills[s]))
	}
	return strings.Join(parts, ";")
}

func digest(d Diff) string {
	text, err := json.Marshal(d)
	if err != nil {
		return "" // strings and numbers always can
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// carryOut lets go first, so that nobody is half gone when the queue keeps one.
func (r *Roster) carryOut(ctx context.Context, p plan, hashes map[call.AgentID]string, by string) error {
	if err := r.letGo(ctx, p.removed, by); err != nil {
		return err
	}
	now := time.Now()
	var evs []call.Event
	for _, a := range p.next {
		evs = append(evs, setEvent(now, a))
	}
	if len(evs) > 0 {
		if err := r.apply(ctx, evs, p.next); err != nil {
			return err
		}
	}
	ctx = context.WithoutCancel(ctx)
	for _, a := range p.next {
		hash, ok := hashes[a.ID]
		if !ok {
			continue
		}
		if err := r.putPIN(ctx, a.ID, hash, by); err != nil {
			return fmt.Errorf("PIN of %s: %w", a.ID, err)
		}
	}
	r.log.Info("roster imported", zap.Int("changes", len(p.diff.Changes)), zap.Int("unchanged", p.diff.Unchanged), zap.String("by", by))
	return nil
}

// letGo logs people out and takes them off. The queue goes first: what it still
// says of them has to stand before their last event.
func (r *Roster) letGo(ctx context.Context, gone []agents.Agent, by string) error {
	if len(gone) == 0 {
		return nil
	}
	view, err := r.cfg.Queue.Snapshot(ctx)
	if err != nil {
		return err
	}
	for _, a := range gone {
		if v, ok := viewOf(view, a.ID); ok && agents.Busy(v.Activity) {
			return fmt.Errorf("%w: %s can be removed after the talk", callqueue.ErrTalking, a.ID)
		}
	}
	now := time.Now()
	var evs []call.Event
	r.mu.Lock()
	next := maps.Clone(r.people)
	r.mu.Unlock()
	for _, a := range gone {
		if err := r.cfg.Queue.SetPresence(ctx, a.ID, call.LoggedOut, "", by); err != nil {
			return fmt.Errorf("remove %s: %w", a.ID, err)
		}
		delete(next, a.ID)
		evs = append(evs, call.AgentEvent(now, a.ID, call.AgentRemoved{By: by}))
	}
	ctx = context.WithoutCancel(ctx)
	if err := r.cfg.Queue.SetAgents(ctx, sorted(next)); err != nil {
		return err
	}
	r.mu.Lock()
	r.people = next
	r.mu.Unlock()
	for i := range evs {
		evs[i].At = call.Instant(time.Now())
	}
	if err := r.cfg.Journal.Append(ctx, evs...); err != nil {
		return err
	}
	for _, a := range gone {
		if err := r.cfg.PINs.PutPIN(ctx, a.ID, ""); err != nil {
			return fmt.Errorf("PIN of %s: %w", a.ID, err)
		}
		r.pins.set(a.ID, "")
	}
	return nil
}
