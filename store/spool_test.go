package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zaptest"

	"firstline/call"
)

// disk is a spool file on a disk that may be full.
type disk struct {
	spoolFile
	state *diskState
}

type diskState struct {
	mu         sync.Mutex // guards what follows
	full       bool       // writes stop half-way
	noTakeBack bool       // nothing can be cut off
}

func (s *diskState) set(full, noTakeBack bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full, s.noTakeBack = full, noTakeBack
}

func (s *diskState) open(path string) (spoolFile, error) {
	f, err := createSpoolFile(path)
	return disk{f, s}, err
}

func (d disk) WriteAt(b []byte, at int64) (int, error) {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	if d.state.full {
		n, err := d.spoolFile.WriteAt(b[:len(b)/2], at)
		return n, errors.Join(err, syscall.ENOSPC)
	}
	return d.spoolFile.WriteAt(b, at)
}

func (d disk) Truncate(size int64) error {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	if d.state.noTakeBack {
		return syscall.EIO
	}
	return d.spoolFile.Truncate(size)
}

func someItems(t *testing.T, from, n int64) []item {
	t.Helper()
	var items []item
	for i := range n {
		it, err := newItem(call.CallEvent(time.Now(), "c", call.Keyed{Node: fmt.Sprint(from + i)}))
		if err != nil {
			t.Fatal(err)
		}
		it.Global, it.Seq = from+i, from+i
		items = append(items, it)
	}
	return items
}

func readBack(t *testing.T, dir string) (nodes []int64, torn int64, err error) {
	t.Helper()
	s, err := openSpool(dir, createSpoolFile)
	if err != nil {
		t.Fatal(err)
	}
	torn, err = s.read(func(items []item) error {
		for _, it := range items {
			nodes = append(nodes, it.Global)
			if it.Body.(call.Keyed).Node != fmt.Sprint(it.Global) {
				t.Errorf("event %d became %+v", it.Global, it.Body)
			}
		}
		return nil
	})
	return nodes, torn, err
}

func TestFullDiskLeavesNothingOfAGroup(t *testing.T) {
	dir := t.TempDir()
	state := &diskState{}
	s, err := openSpool(dir, state.open)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		full  bool
		first int64
	}{{false, 1}, {true, 3}, {true, 3}, {false, 3}} {
		state.set(step.full, false)
		err := s.append(someItems(t, step.first, 2))
		if step.full != errors.Is(err, syscall.ENOSPC) || errors.Is(err, errSpoolUncertain) {
			t.Errorf("%+v: %v", step, err)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	got, torn, err := readBack(t, dir)
	if diff := cmp.Diff([]int64{1, 2, 3, 4}, got); diff != "" || torn != 0 || err != nil {
		t.Errorf("%s, torn %d, %v", diff, torn, err)
	}
}

func TestSpoolCutAnywhereKeepsTheWholeGroups(t *testing.T) {
	dir := t.TempDir()
	s, err := openSpool(dir, createSpoolFile)
	if err != nil {
		t.Fatal(err)
	}
	var ends []int64
	for n := range int64(3) {
		if err := s.append(someItems(t, 2*n+1, 2)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, s.size)
	}
	name := s.used[0]
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	for size := ends[2]; size >= 0; size -= 7 {
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
		got, _, err := readBack(t, dir)
		whole := 0
		for _, end := range ends {
			if size >= end {
				whole++
			}
		}
		if err != nil || len(got) != 2*whole {
			t.Fatalf("cut to %d: %v, %v; want %d groups", size, got, err, whole)
		}
	}
}

func TestDamageInTheMiddleOfTheSpoolIsAnError(t *testing.T) {
	dir := t.TempDir()
	s, err := openSpool(dir, createSpoolFile)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(2) {
		if err := s.append(someItems(t, n+1, 1)); err != nil {
			t.Fatal(err)
		}
		s.size = fullFile // a file for each
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(s.used[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-2] ^= 1
	if err := os.WriteFile(s.used[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _, err := readBack(t, dir); err == nil {
		t.Errorf("read %v over it", got)
	}
}

func FuzzFrame(f *testing.F) {
	it, err := newItem(call.CallEvent(time.Now(), "c", call.Answered{}))
	if err != nil {
		f.Fatal(err)
	}
	b, err := frame([]item{it, it})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		items, n, err := readFrame(b)
		if err != nil {
			return
		}
		if n < frameHead || n > len(b) {
			t.Fatalf("frame of %d bytes in %d", n, len(b))
		}
		for _, it := range items {
			if it.Body == nil {
				t.Fatal("an event without a body")
			}
		}
	})
}

// With neither database nor disk, Append says so and nothing of it ever appears;
// what was posted is kept until one of them is back.
func TestNeitherDatabaseNorDiskGivesAnErrorToAppend(t *testing.T) {
	dir := t.TempDir()
	state := &diskState{}
	s, err := Open(t.Context(), Config{DataDir: dir, openSpoolFile: state.open}, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ev := func(id string) call.Event {
		return call.CallEvent(time.Now(), call.ID(id), call.Arrived{Ticket: "T-1"})
	}
	appended := func(id string) error { return s.Journal().Append(t.Context(), ev(id)) }
	if err := appended("one"); err != nil {
		t.Fatal(err)
	}
	other, err := openSQLite(filepath.Join(dir, "firstline.db"))
	if err != nil {
		t.Fatal(err)
	}
	hold := func() (release func()) {
		tx, err := other.w.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := tx.Rollback(); err != nil {
				t.Error(err)
			}
		}
	}
	release := hold()
	state.set(true, false)
	for range 2 {
		if err := appended("refused"); !errors.Is(err, errNoSpace) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("with neither: %v", err)
		}
	}
	s.Journal().Post(ev("posted"))
	state.set(false, false)
	if err := appended("spooled"); err != nil {
		t.Errorf("with the disk: %v", err)
	}
	state.set(true, false)
	if err := appended("refused"); !errors.Is(err, errNoSpace) {
		t.Errorf("full again: %v", err)
	}
	release()
	for s.Journal().Status().Mode != Direct {
		if !call.Pause(t.Context(), 5*time.Millisecond) {
			t.Fatal("never direct again")
		}
	}
	if err := appended("last"); err != nil {
		t.Error(err)
	}
	evs, err := s.Events(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, e := range evs {
		if e.Global != int64(i+1) || e.Seq != 1 {
			t.Errorf("event %s has global %d, seq %d", e.Stream.ID, e.Global, e.Seq)
		}
		got = append(got, e.Stream.ID)
	}
	if diff := cmp.Diff([]string{"one", "posted", "spooled", "last"}, got); diff != "" {
		t.Error(diff)
	}
	cancel()
	if err := errors.Join(<-done, other.close(), s.Close()); err != nil {
		t.Error(err)
	}
}

func TestNumbersOfARefusedGroupThatMayTurnUpAreNotUsedAgain(t *testing.T) {
	dir := t.TempDir()
	state := &diskState{}
	s, err := openSpool(dir, state.open)
	if err != nil {
		t.Fatal(err)
	}
	state.set(true, true)
	if err := s.append(someItems(t, 1, 1)); !errors.Is(err, errSpoolUncertain) {
		t.Errorf("got %v", err)
	}
	j := &Journal{log: zaptest.NewLogger(t), streams: &streams{
		open: map[call.Stream]int64{{Kind: call.StreamCall, ID: "c"}: 1}, recent: map[call.Stream]int64{}, older: map[call.Stream]int64{},
	}}
	for _, mayTurnUp := range []bool{true, false} {
		g := j.form(t.Context(), []*request{{items: someItems(t, 1, 2), done: make(chan error, 1)}}, "")
		before := j.global
		j.refuse(g, errNoSpace, mayTurnUp)
		if mayTurnUp != (j.global == before) {
			t.Errorf("may turn up %v: global went from %d to %d", mayTurnUp, before, j.global)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

func TestStreamsForgetTheOldestOfWhatIsClosed(t *testing.T) {
	s := &streams{open: map[call.Stream]int64{}, recent: map[call.Stream]int64{}, older: map[call.Stream]int64{}}
	before := make(map[call.Stream]int64)
	for i := range 3 * remembered {
		id := call.ID(fmt.Sprint(i))
		s.next(call.CallEvent(time.Now(), id, call.Arrived{}), before)
		s.next(call.CallEvent(time.Now(), id, call.Ended{}), before)
		clear(before)
	}
	if len(s.open) != 0 || len(s.recent)+len(s.older) > 2*remembered {
		t.Errorf("%d open, %d recent, %d older", len(s.open), len(s.recent), len(s.older))
	}
	last := call.Stream{Kind: call.StreamCall, ID: fmt.Sprint(3*remembered - 1)}
	if seq, ok := s.get(last); !ok || seq != 2 {
		t.Errorf("the last one: %d, %v", seq, ok)
	}
}
