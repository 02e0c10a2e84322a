package recordings_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zaptest"

	"firstline/call"
	"firstline/recordings"
)

// shelf is journal and rows in one, as the store is.
type shelf struct {
	events []call.Event
	away   atomic.Bool // rows cannot be looked up
}

func (s *shelf) Append(_ context.Context, evs ...call.Event) error {
	s.events = append(s.events, evs...)
	return nil
}

func (s *shelf) Post(evs ...call.Event) { s.events = append(s.events, evs...) }

func (s *shelf) Recording(_ context.Context, id call.RecordingID) (recordings.Recording, error) {
	var r recordings.Recording
	if s.away.Load() {
		return r, errors.New("the database is away")
	}
	for _, e := range s.events {
		if e.Stream.ID == string(id) {
			if err := r.Apply(e); err != nil {
				return r, err
			}
		}
	}
	if r.ID == "" {
		return r, recordings.ErrNotFound
	}
	return r, nil
}

func open(t *testing.T, s *shelf, repair func(string) (time.Duration, int64, error)) (*recordings.Catalogue, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "recordings")
	c, err := recordings.New(recordings.Config{Dir: dir, Journal: s, Rows: s, Repair: repair}, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, dir
}

func noRepair(string) (time.Duration, int64, error) { return 0, 0, errors.New("not expected") }

func begin(t *testing.T, c *recordings.Catalogue, s *shelf, audio string) call.RecordingID {
	t.Helper()
	now := time.Now()
	id := call.NewRecordingID(now)
	f, name, err := c.Create(id, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(audio); err != nil {
		t.Fatal(err)
	}
	f.Close()
	e, err := c.Begin(recordings.Start{ID: id, Call: "c1", Ticket: "T-100001", Agent: "ana", File: name, At: now})
	if err != nil {
		t.Fatal(err)
	}
	s.Post(e)
	return id
}

func digest(audio string) string {
	sum := sha256.Sum256([]byte(audio))
	return hex.EncodeToString(sum[:])
}

func TestFinishedRecordingIsHashedAwayFromTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		c, _ := open(t, s, noRepair)
		id := begin(t, c, s, "the audio")
		if err := c.Finish(t.Context(), id, call.Recorded{Duration: 3 * time.Second}, ""); err != nil {
			t.Fatal(err)
		}
		if len(s.events) != 1 {
			t.Fatal("Finish did the work itself")
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		synctest.Wait()
		r, err := s.Recording(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if r.Finished.IsZero() || r.Duration != 3*time.Second || r.Bytes != 9 || r.SHA256 != digest("the audio") || r.Interrupted || r.Fault != "" {
			t.Errorf("finished as %+v", r)
		}
		if err := c.Finish(t.Context(), id, call.Recorded{}, ""); !errors.Is(err, recordings.ErrNotFound) {
			t.Errorf("finished twice: %v", err)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWhatWasHandedInBeforeTheEndIsStillFinished(t *testing.T) {
	s := &shelf{}
	c, _ := open(t, s, noRepair)
	id := begin(t, c, s, "x")
	other := begin(t, c, s, "y")
	if err := c.Finish(t.Context(), id, call.Recorded{}, "disk full"); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run(over); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Recording(t.Context(), id); err != nil || r.Finished.IsZero() || r.Fault != "disk full" || r.SHA256 != digest("x") {
		t.Errorf("%+v, %v", r, err)
	}
	if err := c.Finish(t.Context(), other, call.Recorded{}, ""); !errors.Is(err, recordings.ErrClosed) {
		t.Errorf("taken after the end: %v", err)
	}
}

func TestCrashedRecordingIsRepairedAndClosedAsInterrupted(t *testing.T) {
	s := &shelf{}
	var repaired []string
	c, dir := open(t, s, func(p string) (time.Duration, int64, error) {
		repaired = append(repaired, p)
		return 7 * time.Second, 0, os.WriteFile(p, []byte("repaired"), 0o600)
	})
	id := begin(t, c, s, "torn")
	before, err := s.Recording(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Recover(t.Context(), []recordings.Recording{before}); err != nil {
		t.Fatal(err)
	}
	r, err := s.Recording(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || r.Fault != "" || r.Duration != 7*time.Second || r.Bytes != 8 || r.SHA256 != digest("repaired") {
		t.Errorf("recovered as %+v", r)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, r.File)}, repaired); diff != "" {
		t.Error(diff)
	}
}

func TestMissingOrHopelessFileClosesItsRowWithAFault(t *testing.T) {
	s := &shelf{}
	c, dir := open(t, s, func(string) (time.Duration, int64, error) { return 0, 0, errors.New("no RIFF header") })
	hopeless, missing, link := begin(t, c, s, "?"), begin(t, c, s, "x"), begin(t, c, s, "x")
	var rows []recordings.Recording
	for _, id := range []call.RecordingID{hopeless, missing, link} {
		r, err := s.Recording(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	for _, r := range rows[1:] {
		if err := os.Remove(filepath.Join(dir, r.File)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, rows[2].File)); err != nil {
		t.Fatal(err)
	}
	if err := c.Recover(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"no RIFF header", "file missing", "is no regular file"} {
		r, err := s.Recording(t.Context(), rows[i].ID)
		if err != nil || r.Finished.IsZero() || !r.Interrupted || !strings.Contains(r.Fault, want) {
			t.Errorf("%+v, %v, want fault %q", r, err, want)
		}
	}
}

func TestNameOfAFileComesFromIDAndDayAlone(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("", 3600)) // still February in UTC
	id := call.NewRecordingID(at)
	got, err := recordings.Path(id, at)
	if want := "2026/02/28/" + string(id) + ".wav"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	s := &shelf{}
	c, _ := open(t, s, noRepair)
	for _, bad := range []call.RecordingID{"", "../../etc/passwd", "x", call.RecordingID(strings.ToUpper(string(id))), id + ".", id[:35] + "/"} {
		if name, err := recordings.Path(bad, at); err == nil {
			t.Errorf("id %q became %q", bad, name)
		}
		if _, _, err := c.Create(bad, at); err == nil {
			t.Errorf("a file was made for id %q", bad)
		}
	}
	for _, file := range []string{"", "/etc/passwd", "../x.wav", "a/../../x.wav"} {
		if _, err := c.Begin(recordings.Start{ID: id, File: file, At: at}); err == nil {
			t.Errorf("file %q was taken", file)
		}
	}
}

func TestAudioIsServedWhileItGrows(t *testing.T) {
	s := &shelf{}
	c, dir := open(t, s, noRepair)
	id := begin(t, c, s, "first ")
	f, r, err := c.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := os.OpenFile(filepath.Join(dir, r.File), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.WriteString("second"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "first second" {
		t.Errorf("%q, %v", got, err)
	}
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
	if err := os.Remove(filepath.Join(dir, r.File)); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []call.RecordingID{id, call.NewRecordingID(time.Now())} {
		if _, _, err := c.Open(t.Context(), gone); !errors.Is(err, recordings.ErrNotFound) {
			t.Errorf("%s: %v", gone, err)
		}
	}
}

func TestEventThatDoesNotFitARecordingChangesNothing(t *testing.T) {
	at := call.Instant(time.Now())
	ev := func(b call.Body) call.Event { return call.RecordingEvent(at, "r1", b) }
	started := ev(call.RecordingStarted{Call: "c1", File: "f"})
	paused := ev(call.RecordingPaused{By: "ana", Offset: time.Second})
	finished := ev(call.RecordingFinished{Duration: 5 * time.Second})
	for _, c := range []struct {
		name   string
		before []call.Event
		event  call.Event
	}{
		{"end of nothing", nil, finished},
		{"second start", []call.Event{started}, started},
		{"second pause", []call.Event{started, paused}, paused},
		{"resume of nothing", []call.Event{started}, ev(call.RecordingResumed{})},
		{"second end", []call.Event{started, finished}, finished},
		{"of another stream", []call.Event{started}, ev(call.Answered{})},
		{"of another kind", []call.Event{started}, call.CallEvent(at, "c1", call.Answered{})},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got, want recordings.Recording
			for _, e := range c.before {
				for _, r := range []*recordings.Recording{&got, &want} {
					if err := r.Apply(e); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := got.Apply(c.event); err == nil {
				t.Error("no error")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPauseLastsUntilResumeOrTheEnd(t *testing.T) {
	at := call.Instant(time.Now())
	var r recordings.Recording
	for _, b := range []call.Body{
		call.RecordingStarted{Call: "c1", File: "f"},
		call.RecordingPaused{By: "ana", Offset: 1 * time.Second},
		call.RecordingResumed{By: "ana", Offset: 2 * time.Second},
		call.RecordingPaused{By: "ana", Offset: 4 * time.Second},
		call.RecordingFinished{Duration: 5 * time.Second},
	} {
		if err := r.Apply(call.RecordingEvent(at, "r1", b)); err != nil {
			t.Fatal(err)
		}
	}
	want := []recordings.Pause{{By: "ana", From: time.Second, To: 2 * time.Second}, {By: "ana", From: 4 * time.Second, To: 5 * time.Second}}
	if diff := cmp.Diff(want, r.Pauses); diff != "" {
		t.Error(diff)
	}
}

func TestRecordingIsMarkedAsOneToKeepWhileItRunsAndAfterwards(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var r recordings.Recording
	for i, b := range []call.Body{
		call.RecordingStarted{Call: "c1", File: "r1.wav"},
		call.RecordingFlagged{By: "agent:ana", Reason: "panic button"},
		call.RecordingFinished{Duration: time.Minute},
		call.RecordingFlagged{By: "supervisor:sue", Reason: "evidence"},
	} {
		if err := r.Apply(call.RecordingEvent(at.Add(time.Duration(i)*time.Second), "r1", b)); err != nil {
			t.Fatal(err)
		}
		if i == 1 && (r.Flag == nil || r.Flag.By != "agent:ana") {
			t.Errorf("while it runs: %+v", r.Flag)
		}
	}
	if d := cmp.Diff(&recordings.Flag{At: at.Add(3 * time.Second), By: "supervisor:sue", Reason: "evidence"}, r.Flag); d != "" || r.Duration != time.Minute {
		t.Errorf("afterwards: %s, %v", d, r.Duration)
	}
	var none recordings.Recording
	if err := none.Apply(call.RecordingEvent(at, "r2", call.RecordingFlagged{})); err == nil {
		t.Error("a recording that was never started is marked")
	}
}
