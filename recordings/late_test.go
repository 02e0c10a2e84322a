package recordings_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/recordings"
)

// runs has the catalogue run until the test ends.
func runs(t *testing.T, c *recordings.Catalogue) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func wantAudio(t *testing.T, s *shelf, id call.RecordingID, audio string) {
	t.Helper()
	r, err := s.Recording(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if r.Finished.IsZero() || r.Fault != "" || r.SHA256 != digest(audio) || r.Bytes != int64(len(audio)) {
		t.Errorf("the recording is %+v, want the audio %q", r, audio)
	}
}

func file(t *testing.T, s *shelf, id call.RecordingID) string {
	t.Helper()
	r, err := s.Recording(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r.File
}

func TestAudioThatComesAfterItsRowWasClosedWithAFaultCorrectsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		c, dir := open(t, s, noRepair)
		runs(t, c)
		id := begin(t, c, s, "")
		path := file(t, s, id)
		if err := os.Remove(filepath.Join(dir, path)); err != nil { // it is still at the exchange
			t.Fatal(err)
		}
		if err := c.Finish(t.Context(), id, call.Recorded{}, "not fetched yet"); err != nil {
			t.Fatal(err)
		}
		if err := c.Recover(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if r, _ := s.Recording(t.Context(), id); r.Fault != "not fetched yet" {
			t.Errorf("closed as %+v", r)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte("late"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.away.Store(true)
		if err := c.Late(id, call.Recorded{File: path, Duration: time.Second}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.away.Store(false)
		time.Sleep(time.Minute) // it is tried again
		synctest.Wait()
		wantAudio(t, s, id, "late")
		n := len(s.events)
		if err := c.Late(id, call.Recorded{File: path, Duration: time.Second}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(s.events) != n {
			t.Error("what is whole was closed again")
		}
	})
}

func TestLateAudioOfAnEarlierProcessWaitsUntilItsRowsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		c, _ := open(t, s, noRepair) // what a crash left is beyond repair
		id := begin(t, c, s, "late")
		row, err := s.Recording(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		next, dir := open(t, s, noRepair)
		path := filepath.Join(dir, row.File)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("late"), 0o600)); err != nil {
			t.Fatal(err)
		}
		runs(t, next)
		if err := next.Late(id, call.Recorded{File: row.File}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if r, _ := s.Recording(t.Context(), id); !r.Finished.IsZero() {
			t.Errorf("closed before it was known what is left: %+v", r)
		}
		if err := next.Recover(t.Context(), []recordings.Recording{row}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantAudio(t, s, id, "late")
		if r, _ := s.Recording(t.Context(), id); !r.Interrupted {
			t.Error("it is no longer said that the talk was interrupted")
		}
	})
}
