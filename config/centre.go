package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/intake"
	"firstline/ivr"
	"firstline/ivr/hours"
	"firstline/ivr/source"
	"firstline/tickets/oncall"
)

// Centre is how the support line works: one version of the centre's files. It
// does not change once loaded.
type Centre struct {
	Hash         string // SHA-256 over the files' names and bytes, in hex: the version's name
	Numbers      map[string]Number
	Clients      map[string]Client
	Queues       []callqueue.Queue // sorted by id, with defaults filled in
	Rules        callqueue.Rules   // over all queues
	Announce     map[call.QueueID]Announce
	Callbacks    map[call.QueueID]intake.CallbackRule // of the queues whose callers are called back
	Places       map[call.QueueID]intake.PlaceRule    // of the queues whose callers keep their place after a drop
	Messages     map[call.QueueID]intake.MessageRule  // how callers leave a message
	Flows        map[string]*ivr.Flow
	Calendars    map[string]*hours.Calendar
	Holidays     map[string]string // calendars of holidays that are fetched: name to URL
	Lookups      map[string]Lookup
	DeskZone     *time.Location    // nil when hours.yaml names none; see Zone
	Skills       map[string]string // id to name
	BreakReasons []BreakReason     // in the file's order, which is that of the pages
	Agents       []Agent           // in the file's order; only the seed of the roster, which the database keeps
	Features     Features
	Callers      Callers
	Outbound     intake.Outbound
	Tickets      Tickets
	OnCall       oncall.Plan
	Patience     time.Duration     // of calls that are handed on
	Hints        Faults            // what is no fault, but hardly meant, with where it stands; see Advice
	Files        map[string][]byte // the files themselves, by name: what to store beside the hash
}

// Number is where calls to one number go: exactly one of Flow and Queue is set.
type Number struct {
	Flow   string
	Queue  call.QueueID
	Client string // empty when the line serves no particular one
	Class  string // of its calls in place of its client's; rules.yaml says what a class has
	Name   string // for people
	// Language of its callers in place of their client's; empty for none.
	Language string
	Hours    string // calendar; empty when the line is always open
	Closed   Closed // outside hours
}

// Client is a company that the line serves.
type Client struct {
	Name     string
	Language string         // of its callers, empty for the flow's own
	Greeting string         // prompt of its own; empty for that of the flow
	Class    string         // of its calls; empty for none
	Region   string         // of numbers that come to its lines without a country code; empty for the centre's own
	Zone     *time.Location // of its days in reports; nil when it names none, see Centre.Zone
	Contract string         // what it was promised; empty for nothing
}

// BreakReason is why an agent may be on break.
type BreakReason struct {
	ID   string
	Name string
}

// Agent is a person of the roster as a new installation begins with it.
type Agent struct {
	ID     call.AgentID
	Name   string
	Device call.DeviceID // where the person sits; empty when nowhere
	Level  int           // support level 1 to 4
	Skills map[string]int
}

// Queue finds a queue by its id.
func (c *Centre) Queue(id call.QueueID) (callqueue.Queue, bool) {
	i := slices.IndexFunc(c.Queues, func(q callqueue.Queue) bool { return q.ID == id })
	if i < 0 {
		return callqueue.Queue{}, false
	}
	return c.Queues[i], true
}

// Language is what callers of a number hear when it or its client has one, else empty.
func (c *Centre) Language(n Number) string {
	return cmp.Or(n.Language, c.Clients[n.Client].Language)
}

// Advice is what is no fault, but hardly meant: steps of queues that let in nobody
// whom the step before did not, by the roster (without one, nil, it is the
// centre's own), queues that send on at once whoever comes from another, and clients
// whose days could be those of several zones.
func (c *Centre) Advice(roster []agents.Agent) []string {
	if roster == nil {
		for _, a := range c.Agents {
			roster = append(roster, agents.Agent{ID: a.ID, Level: a.Level, Skills: a.Skills})
		}
	}
	advice := append(c.adviseZones(), c.adviseExits()...)
	if len(roster) == 0 {
		return advice
	}
	for _, q := range c.Queues {
		for _, n := range callqueue.IdleSteps(q, roster) {
			advice = append(advice, fmt.Sprintf("queue %q: step %d, after %v, lets in nobody whom the step before did not",
				q.ID, n, q.Steps[n-1].After))
		}
	}
	return advice
}

// Region is the country of numbers that come to a number without a country code,
// empty when nobody said.
func (c *Centre) Region(n Number) string {
	return cmp.Or(c.Clients[n.Client].Region, c.Callers.Region)
}

// adviseExits names the exits by which callers come to a queue that sends them on at
// once: the longest wait counts from when they came, over all queues.
func (c *Centre) adviseExits() (advice []string) {
	for _, q := range c.Queues {
		if q.MaxWait == 0 || q.Timeout == nil || q.Timeout.To.Kind != callqueue.ToQueue {
			continue
		}
		next, ok := c.Queue(call.QueueID(q.Timeout.To.Name))
		if ok && next.MaxWait > 0 && next.MaxWait <= q.MaxWait {
			advice = append(advice, fmt.Sprintf("queue %q: after %v callers go to queue %q, which lets them wait %v from when they came: it sends them on at once",
				q.ID, q.MaxWait, next.ID, next.MaxWait))
		}
	}
	return advice
}

// Class is that of the calls to a number: its own, or its client's; empty for none.
func (c *Centre) Class(n Number) string { return cmp.Or(n.Class, c.Clients[n.Client].Class) }

// Equal reports whether both were loaded from the same files.
func (c *Centre) Equal(other *Centre) bool { return other != nil && c.Hash == other.Hash }

// Change is what a reload would do.
type Change struct {
	Files  []string       // added, changed or removed, sorted
	Queues []call.QueueID // removed: refused while callers wait in them
}

// Change compares c, which is in force, with what is to follow it.
func (c *Centre) Change(next *Centre) Change {
	var ch Change
	for name, data := range c.Files {
		if now, ok := next.Files[name]; !ok || string(now) != string(data) {
			ch.Files = append(ch.Files, name)
		}
	}
	for name := range next.Files {
		if _, ok := c.Files[name]; !ok {
			ch.Files = append(ch.Files, name)
		}
	}
	slices.Sort(ch.Files)
	for _, q := range c.Queues {
		if _, ok := next.Queue(q.ID); !ok {
			ch.Queues = append(ch.Queues, q.ID)
		}
	}
	return ch
}

// The files of a centre. Flows are flows/<id>.yaml.
const (
	numbersFile = "numbers.yaml"
	clientsFile = "clients.yaml"
	queuesFile  = "queues.yaml"
	skillsFile  = "skills.yaml"
	breaksFile  = "breaks.yaml"
	agentsFile  = "agents.yaml"
	rulesFile   = "rules.yaml"
	hoursFile   = "hours.yaml"
	lookupsFile = "lookups.yaml"
	flowsDir    = "flows"
	holidaysDir = "holidays" // <name>.ics
	onCallDir   = "oncall"   // <name>.ics
)

func centreFiles() []string {
	return []string{numbersFile, clientsFile, queuesFile, skillsFile, breaksFile, agentsFile, rulesFile, hoursFile, lookupsFile, featuresFile, callersFile, outboundFile, ticketsFile, onCallFile}
}

// LoadCentre reads a centre's folder. Prompts is the keys that flows may play; nil
// leaves them unchecked. The error is Faults, over all files, when the centre is
// wrong, and another when the folder cannot be read.
func LoadCentre(dir fs.FS, prompts []string) (*Centre, error) {
	files, faults, err := gather(dir)
	if err != nil {
		return nil, fmt.Errorf("centre: %w", err)
	}
	return load(files, prompts, faults)
}

// LoadFiles is LoadCentre for a version that was stored: Centre.Files of before.
func LoadFiles(files map[string][]byte, prompts []string) (*Centre, error) {
	var faults Faults
	for name := range files {
		if dir, base := path.Split(name); belongs(strings.TrimSuffix(dir, "/"), base) || slices.Contains(centreFiles(), name) {
			continue
		}
		strange(&faults, name)
	}
	return load(files, prompts, faults)
}

// gather reads the files that make a centre, and notes those that nearly do.
// Names that begin with a dot, and what is no YAML, are somebody else's.
func gather(dir fs.FS) (map[string][]byte, Faults, error) {
	files := make(map[string][]byte)
	var faults Faults
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, nil, err
	}
	var folders []string
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."):
		case slices.Contains(centreFiles(), name):
			if files[name], err = read(dir, name); err != nil {
				return nil, nil, err
			}
		case slices.Contains(centreFolders(), name):
			folders = append(folders, name)
		case isYAML(name), e.IsDir() && source.Nearest(name, centreFolders()) != "":
			strange(&faults, name)
		}
	}
	for _, folder := range folders {
		if err := gatherFolder(dir, folder, files, &faults); err != nil {
			return nil, nil, err
		}
	}
	return files, faults, nil
}

func centreFolders() []string { return []string{flowsDir, holidaysDir, onCallDir} }

// gatherFolder reads the files of one of the centre's folders.
func gatherFolder(dir fs.FS, folder string, files map[string][]byte, faults *Faults) error {
	entries, err := fs.ReadDir(dir, folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case belongs(folder, e.Name()):
			if files[name], err = read(dir, name); err != nil {
				return err
			}
		case isYAML(e.Name()):
			strange(faults, name)
		}
	}
	return nil
}

// belongs reports whether a folder of the centre has files of this name.
func belongs(folder, name string) bool {
	switch folder {
	case flowsDir:
		return path.Ext(name) == ".yaml"
	case holidaysDir, onCallDir:
		return path.Ext(name) == ".ics"
	}
	return false
}

func isYAML(name string) bool { return path.Ext(name) == ".yaml" || path.Ext(name) == ".yml" }

func strange(faults *Faults, name string) {
	near := ""
	if dir, base := path.Split(name); dir != "" {
		near = dir + strings.TrimSuffix(base, path.Ext(base)) + ".yaml"
	} else {
		near = source.Nearest(name, append(centreFiles(), centreFolders()...))
	}
	faults.AddSuggesting(source.Pos{File: name}, near, "a centre has no file of this name")
}

// read takes at most one byte more than is parsed, which is then a fault with its file's name.
func read(dir fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(dir, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > source.MaxBytes {
		return make([]byte, source.MaxBytes+1), nil
	}
	data, err := fs.ReadFile(dir, name)
	if errors.Is(err, fs.ErrInvalid) {
		return nil, fmt.Errorf("%s is no file", name)
	}
	return data, err
}

// hash names a version by its content. Lengths keep one file's end from being
// read as another's beginning.
func hash(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, part := range [][]byte{[]byte(name), files[name]} {
			var n [8]byte
			binary.BigEndian.PutUint64(n[:], uint64(len(part)))
			h.Write(n[:])
			h.Write(part)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
