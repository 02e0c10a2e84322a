package config_test

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/config"
	"firstline/ivr"
	"firstline/ivr/prompts"
)

func keys(t testing.TB) []string {
	t.Helper()
	c, err := prompts.Load(prompts.Files(), "en")
	if err != nil {
		t.Fatal(err)
	}
	return c.Keys()
}

// golden compares with a file; UPDATE_GOLDEN=1 writes it anew.
func golden(t *testing.T, file string, err error) {
	t.Helper()
	var faults config.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("error %v is no Faults", err)
	}
	got := faults.Error() + "\n"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("faults (-want +got):\n%s", d)
	}
}

func TestAFaultyCentreIsRefusedWithAllItsFaults(t *testing.T) {
	c, err := config.LoadCentre(os.DirFS("testdata/faulty"), keys(t))
	if c != nil {
		t.Error("there is a centre all the same")
	}
	golden(t, "testdata/faulty.faults", err)
}

func TestAFaultyServerIsRefusedWithAllItsFaults(t *testing.T) {
	data, err := os.ReadFile("testdata/faulty.server.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.ParseServer("firstline.yaml", data, []string{
		"FIRSTLINE_HTTP_LISTENS=x", "FIRSTLINE_SIP_DOMAIN=-", "FIRSTLINE_SIP_MAX_CALLS=many", "FIRSTLINE_NONSENSE=1",
		"FIRSTLINE_SIP_TRUNKS_CARIER_ALLOW=10.0.0.1", "FIRSTLINE_SIGN_IN_TOKEN_FILE=testdata/none", "HOME=/x",
	})
	golden(t, "testdata/faulty.server.faults", err)
	if strings.Contains(err.Error(), "secret") {
		t.Error("the database's password is in the message")
	}
}

func TestTheDemoCentreLoads(t *testing.T) {
	c, err := config.LoadCentre(config.DemoCentre(), keys(t))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]config.Number{
		"1000": {Flow: "support", Client: "demo", Name: "Support line"},
		"1009": {Queue: "service-desk", Client: "demo", Name: "Service desk"},
	}, c.Numbers); d != "" {
		t.Errorf("numbers (-want +got):\n%s", d)
	}
	want := callqueue.Queue{
		ID: "service-desk", Name: "Service desk", Need: call.Requirement{Skills: map[string]int{"desk": 1}}, Record: true,
	}.Defaults()
	if d := cmp.Diff([]callqueue.Queue{want}, c.Queues); d != "" {
		t.Errorf("queues (-want +got):\n%s", d)
	}
	if len(c.Agents) != 10 || c.Agents[0].ID != "2001" || c.Agents[9].Device != "2010" {
		t.Errorf("agents: %+v", c.Agents)
	}
	if c.Flows["support"].Start() != "welcome" || c.Language(c.Numbers["1000"]) != "en" {
		t.Errorf("flow starts at %q", c.Flows["support"].Start())
	}
}

// Whatever is pressed, every agent of the demo could take the call: a visitor signs in as any of them.
func TestEveryDemoAgentCanTakeEveryDemoCall(t *testing.T) {
	c, err := config.LoadCentre(config.DemoCentre(), keys(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, digit := range []string{"1", "2", ""} {
		res, err := ivr.Run(t.Context(), ivr.Line{Leg: presser(digit), Tell: func(ivr.Happening) {}}, c.Flows["support"], ivr.State{})
		if err != nil {
			t.Fatal(err)
		}
		to, ok := res.(ivr.Queue)
		if !ok {
			t.Fatalf("pressing %q: %v", digit, res)
		}
		q, ok := c.Queue(to.Queue)
		if !ok {
			t.Fatalf("pressing %q: no queue %q", digit, to.Queue)
		}
		for _, a := range c.Agents {
			for _, need := range []call.Requirement{q.Need, to.Need} {
				for skill, level := range need.Skills {
					if a.Skills[skill] < level || a.Level < need.Level {
						t.Errorf("pressing %q: agent %s cannot take it", digit, a.ID)
					}
				}
			}
		}
	}
}

func TestTheHashNamesTheContent(t *testing.T) {
	base := func() fstest.MapFS {
		return fstest.MapFS{
			"numbers.yaml":    {Data: []byte("1000: {flow: a}\n")},
			"flows/a.yaml":    {Data: []byte("start: n\nnodes: {n: {type: hangup}}\n")},
			"README.md":       {Data: []byte("hello")},
			".git/config":     {Data: []byte("x")},
			"recordings/a.md": {Data: []byte("x")},
		}
	}
	load := func(dir fs.FS) *config.Centre {
		t.Helper()
		c, err := config.LoadCentre(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := load(base())
	if len(first.Hash) != 64 {
		t.Errorf("hash %q", first.Hash)
	}
	// The value is on record: a hash that changes with the build loses every stored version.
	if want := "9c7b9c8c"; !strings.HasPrefix(first.Hash, want) {
		t.Errorf("hash %s, want %s…", first.Hash, want)
	}
	same := base()
	same["README.md"] = &fstest.MapFile{Data: []byte("changed")}
	if !first.Equal(load(same)) {
		t.Error("a file that is none of the centre's changes the hash")
	}
	other := base()
	other["numbers.yaml"] = &fstest.MapFile{Data: []byte("1000: {flow: a }\n")}
	if first.Equal(load(other)) {
		t.Error("a changed file does not change the hash")
	}
	stored, err := config.LoadFiles(first.Files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Equal(stored) {
		t.Error("the stored version has another hash")
	}
}

func TestAChangeNamesFilesAndRemovedQueues(t *testing.T) {
	load := func(numbers, queues string) *config.Centre {
		t.Helper()
		c, err := config.LoadCentre(fstest.MapFS{
			"numbers.yaml": {Data: []byte(numbers)}, "queues.yaml": {Data: []byte(queues)},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	now := load("1: {queue: a}\n", "a: {}\nb: {}\n")
	next := load("1: {queue: a}\n", "a: {ring: 20s}\n")
	want := config.Change{Files: []string{"queues.yaml"}, Queues: []call.QueueID{"b"}}
	if d := cmp.Diff(want, now.Change(next)); d != "" {
		t.Errorf("change (-want +got):\n%s", d)
	}
}

func TestNoWrapUpIsNotTheDefault(t *testing.T) {
	c, err := config.LoadCentre(fstest.MapFS{
		"numbers.yaml": {Data: []byte("1: {queue: a}\n")}, "queues.yaml": {Data: []byte("a: {wrap-up: 0s}\nb:\n")},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Queues[0].WrapUp; got >= 0 {
		t.Errorf("wrap-up of 0s is read as %v", got)
	}
	if got := c.Queues[1].WrapUp; got != time.Minute {
		t.Errorf("wrap-up that is not given is %v", got)
	}
}

func TestASyntaxFaultIsNotBlamedOnThoseWhoReferToTheFile(t *testing.T) {
	_, err := config.LoadCentre(fstest.MapFS{
		"numbers.yaml": {Data: []byte("1: {queue: a}\n")}, "queues.yaml": {Data: []byte("a: [\n")},
	}, nil)
	if want := "queues.yaml:1:4: sequence end token ']' not found"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestAFolderThatIsNotThereIsNoFault(t *testing.T) {
	_, err := config.LoadCentre(os.DirFS("testdata/none"), nil)
	var faults config.Faults
	if err == nil || errors.As(err, &faults) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// presser is a leg on which one key is pressed in each asking.
type presser string

func (presser) Play(ctx context.Context, _ ...call.Media) error { return ctx.Err() }
func (p presser) Collect(ctx context.Context, _ call.Collect) (call.Collected, error) {
	return call.Collected{Digits: string(p), TimedOut: p == ""}, ctx.Err()
}

func loopback(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
}

func TestWithoutAFileItIsTheDemo(t *testing.T) {
	t.Chdir(t.TempDir())
	got, err := config.LoadServer("", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Server{
		SIP: config.SIP{
			Listen:   []config.Listener{{Network: "udp", Address: loopback(5060)}, {Network: "tcp", Address: loopback(5060)}},
			Domain:   "firstline.local",
			MaxCalls: 5000,
			Qualify:  time.Minute,
			Trunks:   []config.Trunk{{Name: "loopback", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}},
			RTP:      config.RTP{First: 20000, Last: 39999, Address: netip.MustParseAddr("127.0.0.1")},
		},
		Asterisk:   config.Asterisk{Patience: 5 * time.Minute},
		HTTP:       config.HTTP{Listen: loopback(8080)},
		Database:   "var/firstline.db",
		DataDir:    "var",
		Standby:    config.Standby{Stale: 10 * time.Second},
		Recordings: config.Recordings{Dir: "var/recordings"},
		Log:        config.Log{Level: "info", Format: "console"},
		SignIn:     config.SignIn{Link: 15 * time.Minute, Lifetime: 12 * time.Hour},
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
		t.Errorf("server (-want +got):\n%s", d)
	}
}

func TestANamedFileMustBeThere(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, load := range []func() (*config.Server, error){
		func() (*config.Server, error) { return config.LoadServer("none.yaml", nil) },
		func() (*config.Server, error) { return config.LoadServer("", []string{"FIRSTLINE_CONFIG=none.yaml"}) },
	} {
		if _, err := load(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	}
}

func TestTheEnvironmentReplacesWhatTheFileSays(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "db")
	if err := os.WriteFile(secret, []byte("postgres://u:p@localhost/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "firstline.yaml")
	if err := os.WriteFile(file, []byte("data-dir: data\ncentre: centre\nsip: {trunks: {a-b: {allow: 10.0.0.1}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := config.LoadServer(file, []string{
		"FIRSTLINE_SIP_LISTEN=127.0.0.1:0,udp:127.0.0.2:5070", "FIRSTLINE_HTTP_LISTEN=127.0.0.1:0",
		"FIRSTLINE_DATABASE_FILE=" + secret, "FIRSTLINE_SIP_TRUNKS_A_B_ALLOW=192.0.2.0/24", "FIRSTLINE_LOG_LEVEL=",
		"FIRSTLINE_SIP_RTP_PORTS=30000-30099", "FIRSTLINE_CENTRE=elsewhere",
	})
	if err != nil {
		t.Fatal(err)
	}
	var listen []string
	for _, l := range s.SIP.Listen {
		listen = append(listen, l.String())
	}
	for _, c := range []struct{ what, got, want string }{
		{"listeners", strings.Join(listen, " "), "udp:127.0.0.1:0 tcp:127.0.0.1:0 udp:127.0.0.2:5070"},
		{"http", s.HTTP.Listen.String(), "127.0.0.1:0"},
		{"database", s.Database, "postgres://u:p@localhost/x"},
		{"trunk", s.SIP.Trunks[0].Allow[0].String(), "192.0.2.0/24"},
		{"data dir beside the file", s.DataDir, filepath.Join(dir, "data")},
		{"recordings", s.Recordings.Dir, filepath.Join(dir, "data", "recordings")},
		{"centre of the environment", s.Centre, "elsewhere"},
		{"log level", s.Log.Level, "info"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if s.SIP.MaxCalls != 25 {
		t.Errorf("100 ports are enough for %d calls", s.SIP.MaxCalls)
	}
}

func TestQualifyIsAnIntervalOrZeroForNever(t *testing.T) {
	for _, tt := range []struct {
		file, env string
		want      time.Duration
		fault     string
	}{
		{file: "sip: {qualify: 90s}", want: 90 * time.Second},
		{file: "sip: {qualify: 0s}"},
		{file: "sip: {qualify: 90s}", env: "FIRSTLINE_SIP_QUALIFY=30s", want: 30 * time.Second},
		{file: "sip: {qualify: 1s}", fault: `f.yaml:1:16: 1s is too often to ask every phone; take at least 5s, or 0s for never`},
		{file: "sip: {qualify: -1s}", fault: `f.yaml:1:16: "qualify" is -1s; it may be from 0s to 1h0m0s`},
	} {
		s, err := config.ParseServer("f.yaml", []byte(tt.file), []string{tt.env})
		switch {
		case tt.fault != "":
			if err == nil || err.Error() != tt.fault {
				t.Errorf("%s: error %v, want %s", tt.file, err, tt.fault)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.file, err)
		case s.SIP.Qualify != tt.want:
			t.Errorf("%s %s: %v, want %v", tt.file, tt.env, s.SIP.Qualify, tt.want)
		}
	}
}

func TestAnEmptyListOfListenersIsNotTheDefault(t *testing.T) {
	for want, from := range map[string][2]string{
		`f.yaml:1:15: there is no address to listen on`:          {"sip: {listen: []}", ""},
		`FIRSTLINE_SIP_LISTEN: there is no address to listen on`: {"", "FIRSTLINE_SIP_LISTEN=,"},
	} {
		if _, err := config.ParseServer("f.yaml", []byte(from[0]), []string{from[1]}); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestASecretIsGivenOnce(t *testing.T) {
	_, err := config.ParseServer("f.yaml", nil, []string{"FIRSTLINE_DATABASE=a.db", "FIRSTLINE_DATABASE_FILE=/dev/null"})
	want := `FIRSTLINE_DATABASE_FILE: FIRSTLINE_DATABASE is set too; set one of them`
	if err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

func FuzzServer(f *testing.F) {
	f.Add(config.DemoServer(), "127.0.0.1:0")
	f.Add([]byte("sip: {listen: 'udp:[::1]:5060', trunks: {a: {allow: '::/0', outbound: {proxy: 'h:1', allow: '+1'}}}}"), "")
	f.Fuzz(func(t *testing.T, data []byte, listen string) {
		s, err := config.ParseServer("f.yaml", data, []string{"FIRSTLINE_HTTP_LISTEN=" + listen})
		var faults config.Faults
		switch {
		case err == nil && (len(s.SIP.Listen) == 0 || s.SIP.MaxCalls < 1 || !s.HTTP.Listen.IsValid() || !s.SIP.RTP.Address.IsValid()):
			t.Errorf("a server without what it needs: %+v", s)
		case err != nil && !errors.As(err, &faults):
			t.Errorf("error %v is no Faults", err)
		}
	})
}

func FuzzCentre(f *testing.F) {
	read := func(name string) []byte {
		data, err := fs.ReadFile(config.DemoCentre(), name)
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	f.Add(read("numbers.yaml"), read("queues.yaml"), read("agents.yaml"), read("flows/support.yaml"))
	f.Fuzz(func(t *testing.T, numbers, queues, agents, flow []byte) {
		c, err := config.LoadFiles(map[string][]byte{
			"numbers.yaml": numbers, "queues.yaml": queues, "agents.yaml": agents, "flows/support.yaml": flow,
		}, nil)
		if err != nil {
			var faults config.Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Errorf("error %v is no Faults", err)
			}
			return
		}
		for _, q := range c.Queues {
			if err := q.Validate(); err != nil {
				t.Error(err)
			}
		}
		for number, to := range c.Numbers {
			if _, ok := c.Queue(to.Queue); !ok && c.Flows[to.Flow] == nil {
				t.Errorf("number %s leads nowhere", number)
			}
		}
	})
}
