package intake

import (
	"context"
	"encoding/binary"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue/agents"
	"firstline/callqueue/roster"
	"firstline/intake/feature"
	"firstline/intake/incident"
	"firstline/intake/spoken"
)

const (
	recorder    = "7001" // who may record
	recorderPIN = "86421357"
)

// booth is a rig at which prompts can be recorded by dialling *15.
type booth struct {
	*rig
	dir  string
	raw  *rawFiles
	list *spoken.List
}

// rawFiles is what the front end recorded: a tone, or nothing.
type rawFiles struct {
	mu      sync.Mutex // guards all
	silent  bool
	removed map[string]bool
}

func (f *rawFiles) ReadFile(string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.silent {
		return wavOf(func(int) float64 { return 0 }), nil
	}
	return wavOf(func(i int) float64 { return 0.1 * math.Sin(float64(i)*2*math.Pi*850/8000) }), nil
}

func (f *rawFiles) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.removed[name] {
		return fs.ErrNotExist
	}
	f.removed[name] = true
	return nil
}

// wavOf is two seconds of 16-bit PCM at 8 kHz.
func wavOf(at func(i int) float64) []byte {
	const n = 16000
	b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data"), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(b[len(b)-4:], 2*n)
	for i := range n {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(at(i)*32767)))
	}
	return b
}

// doorman knows one PIN.
type doorman struct{}

func (doorman) At(call.DeviceID) (agents.Agent, bool) { return agents.Agent{}, false }
func (doorman) CheckPIN(_ context.Context, _ call.AgentID, _ call.DeviceID, pin string) error {
	if pin != recorderPIN {
		return roster.ErrWrongPIN
	}
	return nil
}
func (doorman) SignIn(context.Context, call.AgentID, call.DeviceID, string) error { return nil }
func (doorman) SignOut(context.Context, call.AgentID, string) error               { return nil }
func (doorman) Resume(context.Context, call.AgentID, call.Presence, string, string) error {
	return nil
}

// recording runs f with a desk at which prompts can be recorded.
func recording(t *testing.T, f func(b *booth)) {
	t.Helper()
	dir := t.TempDir()
	tuned(t, overriding(t), func(r *rig) {
		b := &booth{rig: r, dir: dir, raw: &rawFiles{removed: map[string]bool{}}}
		sleepUntil(9, 0)
		b.open()
		f(b)
		if err := b.list.Close(); err != nil {
			t.Error(err)
		}
	})
}

// open serves feature codes before the desk, with what the last process kept.
func (b *booth) open() {
	b.t.Helper()
	var story []call.Event
	for _, e := range b.journal.Events() {
		switch x := e.Body.(type) {
		case call.PromptRecorded, call.PromptDeleted:
			story = append(story, e)
		case call.HoursOverridden:
			b.desk.RestoreHours(x)
		}
	}
	var err error
	if b.list, err = spoken.New(spoken.Config{Dir: b.dir, Recordings: b.raw, Air: b.desk, Journal: b.process, Log: b.log}, story); err != nil {
		b.t.Fatal(err)
	}
	b.sw.Serve(feature.New(feature.Config{
		Next: b.desk, Roster: doorman{}, Language: "en", Log: b.log, Prompts: b.list,
		Codes:     func() feature.Codes { return feature.Codes{Record: "*15"} },
		MayRecord: func(id call.AgentID) bool { return id == recorder },
	}))
}

func (b *booth) again() {
	b.t.Helper()
	b.drop()
	if err := b.list.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.start()
	b.open()
}

// dials has a phone of ours dial the code, and press keys as it is asked.
func (b *booth) dials(press ...string) *calltest.Caller {
	b.t.Helper()
	c := b.rings()
	keys(c, press...)
	return c
}

func (b *booth) rings() *calltest.Caller {
	b.t.Helper()
	return b.sw.DialAs(call.Call{Device: "2009", Trunk: "2009", From: call.Party{Number: "2009"}, To: call.Party{Number: "*15"}})
}

func keys(c *calltest.Caller, press ...string) {
	for _, digits := range press {
		time.Sleep(2500 * time.Millisecond) // two prompts play at most
		c.Press(digits)
	}
}

// hears is what a new caller hears first.
func (b *booth) hears(number string) string {
	b.t.Helper()
	c := b.sw.Dial("+4930999", number)
	time.Sleep(500 * time.Millisecond)
	heard := c.Heard()
	c.Hangup()
	synctest.Wait()
	if len(heard) == 0 {
		return ""
	}
	return strings.TrimPrefix(string(heard[0]), "prompt:en/")
}

// files is what is in the folder of prompts.
func (b *booth) files() string {
	b.t.Helper()
	all, err := filepath.Glob(filepath.Join(b.dir, "*"))
	if err != nil {
		b.t.Fatal(err)
	}
	for i, f := range all {
		all[i] = filepath.Ext(f)
	}
	return strings.Join(all, " ")
}

func heardBy(c *calltest.Caller) string {
	var all []string
	for _, m := range c.Heard() {
		all = append(all, strings.TrimPrefix(string(m), "prompt:en/"))
	}
	return strings.Join(all, " ")
}

// kept is the event of the only prompt that was kept.
func (b *booth) kept() call.PromptRecorded {
	b.t.Helper()
	all := b.list.All()
	if len(all) != 1 {
		b.t.Fatalf("%d prompts were kept", len(all))
	}
	return all[0].PromptRecorded
}

func TestAPromptThatIsRecordedByPhoneIsHeardByTheNextCaller(t *testing.T) {
	for name, c := range map[string]struct {
		choose string
		before string // what callers hear first before
	}{
		"of an incident": {"900001#", "incident-known"},
		"of a calendar":  {"1#", "incident-known"},
	} {
		t.Run(name, func(t *testing.T) {
			recording(t, func(b *booth) {
				i := b.declares()
				if got := b.hears("1009"); got != c.before {
					t.Errorf("before: %q", got)
				}
				by := b.dials(recorder+"#", recorderPIN+"#", c.choose, "#", "1")
				b.sw.Wait()
				p := b.kept()
				if p.By != "agent:"+recorder || p.Device != "2009" || (p.Incident == i.ID) == (p.Calendar == "desk") || len(p.SHA256) != 64 || p.Duration < time.Second {
					t.Errorf("%+v", p)
				}
				key := p.Prompt.Key()
				if heard := heardBy(by); heard != "enter-number enter-pin enter-number record-prompt tone:beep "+key+" record-review record-live" {
					t.Errorf("whoever recorded heard %q", heard)
				}
				for range 2 {
					if got := b.hears("1009"); got != key {
						t.Errorf("the next caller hears %q", got)
					}
					b.again()
				}
				wav, err := b.list.WAV(p.Prompt)
				if err != nil || int64(len(wav)) != p.Bytes || b.files() != ".wav" {
					t.Errorf("%d bytes, %v; %s", len(wav), err, b.files())
				}
			})
		})
	}
}

func TestAPromptIsRecordedAgainUntilItIsKept(t *testing.T) {
	recording(t, func(b *booth) {
		b.declares()
		c := b.dials(recorder+"#", recorderPIN+"#", "900001#", "#", "2", "#", "2", "#", "", "1")
		b.sw.Wait()
		if n := strings.Count(heardBy(c), "tone:beep"); n != 3 || len(b.list.All()) != 1 {
			t.Errorf("%d takes, %d kept", n, len(b.list.All()))
		}
		b.raw.mu.Lock()
		defer b.raw.mu.Unlock()
		if len(b.raw.removed) != 3 {
			t.Errorf("%d raw recordings removed", len(b.raw.removed))
		}
	})
}

func TestWhoSaysNothingIsAskedAgain(t *testing.T) {
	recording(t, func(b *booth) {
		b.declares()
		b.raw.silent = true
		c := b.dials(recorder+"#", recorderPIN+"#", "900001#", "#")
		time.Sleep(1500 * time.Millisecond)
		b.raw.mu.Lock()
		b.raw.silent = false
		b.raw.mu.Unlock()
		time.Sleep(2500 * time.Millisecond)
		c.Press("#")
		time.Sleep(2500 * time.Millisecond)
		c.Press("1")
		b.sw.Wait()
		if !strings.Contains(heardBy(c), "message-empty record-prompt") || len(b.list.All()) != 1 {
			t.Errorf("heard %q", heardBy(c))
		}
	})
}

// Whoever hangs up, or is cut off by the end of our process, at any moment leaves what
// callers heard before, or the whole new prompt.
func TestHangingUpOrARestartAtEachMomentLeavesTheOldPromptOrTheNewOne(t *testing.T) {
	for _, killed := range []bool{false, true} {
		for at := 200 * time.Millisecond; at < 17*time.Second; at += 600 * time.Millisecond {
			t.Run(map[bool]string{false: "hung up after ", true: "killed after "}[killed]+at.String(), func(t *testing.T) {
				recording(t, func(b *booth) {
					b.declares()
					c := b.rings()
					var wg sync.WaitGroup
					wg.Go(func() { keys(c, recorder+"#", recorderPIN+"#", "900001#", "#", "1") })
					time.Sleep(at)
					if killed {
						b.again()
					}
					c.Hangup()
					wg.Wait()
					b.sw.Wait()
					want := "incident-known"
					if all := b.list.All(); len(all) == 1 {
						want = all[0].Prompt.Key()
						if _, err := b.list.WAV(all[0].Prompt); err != nil {
							t.Error(err)
						}
					}
					if at > 14*time.Second && want == "incident-known" || at < 12*time.Second && want != "incident-known" {
						t.Errorf("callers hear %q", want)
					}
					if got := b.hears("1009"); got != want {
						t.Errorf("callers hear %q, want %q", got, want)
					}
					if f := b.files(); f != map[bool]string{true: ".wav"}[want != "incident-known"] {
						t.Errorf("left on the disk: %q", f)
					}
				})
			})
		}
	}
}

func TestWhoIsNotKnownOrMayNotRecordsNothing(t *testing.T) {
	recording(t, func(b *booth) {
		b.declares()
		wrong := b.dials(recorder+"#", "0000#", "", recorder+"#", "0000#", "", recorder+"#", "0000#")
		b.sw.Wait()
		if heard := heardBy(wrong); !strings.HasSuffix(heard, "sign-in-refused") || strings.Contains(heard, "record-") {
			t.Errorf("with a wrong PIN: %q", heard)
		}
		other := b.dials("7002#", recorderPIN+"#")
		b.sw.Wait()
		if heard := heardBy(other); heard != "enter-number enter-pin not-possible" {
			t.Errorf("who may not: %q", heard)
		}
		outside := b.sw.Dial(customer, "*15")
		b.sw.Wait()
		if cause, _ := outside.Ended(); cause.SIP != 404 {
			t.Errorf("from outside: %v", cause)
		}
	})
}

func TestSeveralIncidentsAreToldApartByTheirTickets(t *testing.T) {
	recording(t, func(b *booth) {
		b.declares()
		n := 0
		b.known = incident.New(incident.Config{Journal: b.process, Ticket: func() (call.TicketID, error) {
			n++
			return call.TicketID([]string{"T-900011", "T-900012"}[n-1]), nil
		}}, nil)
		b.desk.Incidents = b.known
		for _, q := range []call.QueueID{"service-desk", "other"} {
			if _, err := b.known.Declare(t.Context(), incident.Declaration{Queue: q, Title: "VPN", By: "supervisor:sue"}); err != nil {
				t.Fatal(err)
			}
		}
		c := b.dials(recorder+"#", recorderPIN+"#", "900099#", "900012#", "#", "1")
		b.sw.Wait()
		i, err := b.known.Incident(b.kept().Incident)
		if err != nil || i.Queue != "other" || !strings.Contains(heardBy(c), "menu-invalid enter-number") {
			t.Errorf("for %s, %v; heard %q", i.Queue, err, heardBy(c))
		}
	})
}

func TestAPromptThatIsDamagedOnTheDiskIsNotPlayed(t *testing.T) {
	recording(t, func(b *booth) {
		b.declares()
		b.dials(recorder+"#", recorderPIN+"#", "900001#", "#", "1")
		b.sw.Wait()
		p := b.kept()
		if err := b.list.Delete(t.Context(), p.Prompt, "supervisor:sue"); err == nil {
			t.Error("deleted while callers hear it")
		}
		if err := os.WriteFile(filepath.Join(b.dir, string(p.Prompt)+".wav"), []byte("RIFF half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := b.list.WAV(p.Prompt); err == nil {
			t.Error("played all the same")
		}
	})
}
