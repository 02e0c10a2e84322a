package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/store"
)

// Run runs the whole suite against an engine.
func Run(t *testing.T, engine Engine) {
	for _, x := range []struct {
		rule string
		test func(*testing.T, Engine)
	}{
		{"AppendsAreOrderedAndKeptTogether", appendsAreOrdered},
		{"PostsStayBehindWhatWasHandedOverBefore", postsStayInOrder},
		{"EventsGoOnWhileTheDatabaseIsAway", eventsGoOn},
		{"WhatIsSpooledIsReplayedAtTheNextStart", spoolIsReplayed},
		{"TornSpoolTailIsLeftOut", tornTail},
		{"ReadersSeeEachEventOnce", readersSeeEachOnce},
		{"AppendThatIsGivenUpDoesNotAppear", givenUp},
		{"EventsThatCannotBeKeptAreRefused", refused},
		{"TextIsStrippedOfWhatPostgreSQLDoesNotTake", stripped},
		{"SequencesGoOnAfterARestart", sequencesGoOn},
		{"NothingIsTakenAfterTheEnd", nothingAfterTheEnd},
		{"SecondOwnerIsRefused", secondOwner},
		{"LastSignOfLifeIsRead", signOfLife},
		{"PlaceInTheJournalIsFoundByTimeAndByID", places},
		{"FoldedEventsEqualTheStoredRecord", foldEqualsRecord},
		{"EventThatDoesNotFitIsKept", misfitIsKept},
		{"CallsAreFoundByWhatTheyAre", callsAreFound},
		{"TicketsHaveNotesAndCalls", ticketsHaveNotes},
		{"TicketsThatAreNotOverAreReadInOrder", unsettledTickets},
		{"TicketsAreFoundByWhatWasSaid", ticketsAreSearched},
		{"TicketsOfAMonthAreThoseThatItTouched", ticketsOfMonth},
		{"MonthsStayAsTheyWereSealed", monthsAreSealed},
		{"RecordingsAreFound", recordingsAreFound},
		{"AgentsShowWhatWasLastSeen", agentsShow},
		{"AgentsSitWhereTheySignedInLast", seatsShow},
		{"StaffOfLongAgoIsFound", staffAt},
		{"PINsAndShiftsAreKept", pinsAndShifts},
		{"DirectoryIsKeptWithItsPINs", directoryIsKept},
		{"LostCallersAreListed", lostCallers},
		{"LostCallersAreFoundByHowTheyStand", lostItemsAreFound},
		{"BlocksAreFoundByWhetherTheyHold", blocksAreFound},
		{"CallersAreCaredForWhileTheDatabaseIsAway", careGoesOn},
		{"CallbacksAreOpenUntilTheyEnd", callbacksAreFound},
		{"DeliveriesAreKeptUntilTheyEnd", deliveriesAreKept},
		{"EndpointSecretsAreKept", endpointSecretsAreKept},
		{"DeliveriesAreNotForThoseWhoOptedOut", optOutsAreKept},
		{"DeliveriesGoOnWhenTheDatabaseIsBack", deliveriesGoOn},
		{"WhatIsNotThereIsNotFound", notFound},
		{"NumbersAreGivenOutOnce", numbersOnce},
		{"NumbersLastWhileTheDatabaseIsAway", numbersLast},
		{"PhonesAreKnownWhileTheDatabaseIsAway", phonesAreKnown},
		{"SignInsTokensCheckpointsAndCentresAreKept", othersAreKept},
	} {
		t.Run(x.rule, func(t *testing.T) { x.test(t, engine) })
	}
}

func arrival(n int) call.Event {
	at := time.Now()
	return call.CallEvent(at, call.NewID(at), call.Arrived{Ticket: call.TicketID(fmt.Sprintf("T-%d", n)), Origin: fmt.Sprint(n)})
}

// story is a call's arrival, its ticket and n keys.
func story(ticket call.TicketID, n int) []call.Event {
	at := time.Now()
	id := call.NewID(at)
	evs := []call.Event{
		call.CallEvent(at, id, call.Arrived{Ticket: ticket, Origin: string(id)}),
		call.TicketEvent(at, ticket, call.TicketOpened{Call: id, Subject: "s"}),
	}
	for i := range n {
		evs = append(evs, call.CallEvent(at, id, call.Keyed{Node: fmt.Sprint(i), Digits: "1"}))
	}
	return evs
}

func appendsAreOrdered(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	j := s.Journal()
	j.SetConfig("cfg")
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := j.Append(t.Context(), story(call.TicketID(fmt.Sprintf("T-%d-%d", w, i)), 2)...); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	got := Collect(t, j, 0, writers*each*4)
	wg.Wait()
	if err := Numbered(got, 1); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(got); i += 4 {
		id := got[i].Stream.ID
		if got[i+1].Stream.Kind != call.StreamTicket || got[i+2].Stream.ID != id || got[i+3].Stream.ID != id {
			t.Fatalf("the events of one Append are torn apart at %d", got[i].Global)
		}
		if got[i].Config != "cfg" {
			t.Fatalf("event %d has config %q", got[i].Global, got[i].Config)
		}
	}
	var stored []call.Event
	for after := int64(0); ; {
		evs, err := s.Events(t.Context(), after, 300)
		if err != nil {
			t.Fatal(err)
		}
		if len(evs) == 0 {
			break
		}
		stored = append(stored, evs...)
		after = evs[len(evs)-1].Global
	}
	if diff := cmp.Diff(got, stored); diff != "" {
		t.Errorf("readers saw something else than what is stored: %s", diff)
	}
}

func postsStayInOrder(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	at := time.Now()
	id := call.NewID(at)
	s.Journal().Post(call.CallEvent(at, id, call.Arrived{Ticket: "T-1"}))
	for i := range 50 {
		s.Journal().Post(call.CallEvent(at, id, call.Keyed{Node: fmt.Sprint(i)}))
	}
	Append(t, s.Journal(), call.CallEvent(at, id, call.Answered{}))
	r, err := s.Call(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if r.Answered.IsZero() || len(r.Path) != 50 {
		t.Fatalf("the Append was acknowledged before the posts: %+v", r)
	}
	for i, step := range r.Path {
		if step.Node != fmt.Sprint(i) {
			t.Fatalf("step %d is %s", i, step.Node)
		}
	}
}

func eventsGoOn(t *testing.T, engine Engine) {
	p := engine(t)
	s, _ := Start(t, p.Config)
	j := s.Journal()
	Append(t, j, story("T-0", 1)...)
	p.Away()
	for n := range 20 {
		Append(t, j, story(call.TicketID(fmt.Sprintf("T-%d", n+1)), 1)...)
	}
	if st := j.Status(); st.Mode != store.Spooling || st.Spooled == 0 || st.LastGlobal != 63 {
		t.Errorf("while away: %+v", st)
	}
	if err := Numbered(Collect(t, j, 0, 63), 1); err != nil {
		t.Errorf("readers while away: %v", err)
	}
	p.Back()
	Eventually(t, "direct again", func() bool { return j.Status().Mode == store.Direct })
	Append(t, j, story("T-last", 1)...)
	evs, err := s.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(evs) != 66 {
		t.Fatalf("%d events are stored, want 66", len(evs))
	}
	if err := Numbered(evs, 1); err != nil {
		t.Error(err)
	}
	page, err := s.Calls(t.Context(), store.CallFilter{Open: new(true)})
	if err != nil || len(page.Items) != 22 {
		t.Errorf("%d calls, %v; want 22", len(page.Items), err)
	}
	left, err := filepath.Glob(filepath.Join(p.Config.DataDir, "spool", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("spool holds %v, %v", left, err)
	}
}

// spooled is the spool of a store that was killed with n calls in it, one frame each.
func spooled(t *testing.T, engine Engine, n int) (folder string, all []call.Event) {
	t.Helper()
	p := engine(t)
	s, stop := Start(t, p.Config)
	p.Away()
	for i := range n {
		Append(t, s.Journal(), story(call.TicketID(fmt.Sprintf("T-%d", i)), 2)...)
	}
	folder = filepath.Join(t.TempDir(), "spool")
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(p.Config.DataDir, "spool"))); err != nil {
		t.Fatal(err)
	}
	all = Collect(t, s.Journal(), 0, n*4)
	p.Back()
	stop()
	return folder, all
}

func putSpool(t *testing.T, p Place, folder string) {
	t.Helper()
	to := filepath.Join(p.Config.DataDir, "spool")
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
}

func spoolIsReplayed(t *testing.T, engine Engine) {
	folder, all := spooled(t, engine, 5)
	p := engine(t)
	for _, when := range []string{"into an empty database", "once more"} {
		putSpool(t, p, folder)
		s, stop := Start(t, p.Config)
		got, err := s.Events(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
		open, err := s.OpenCalls(t.Context())
		if err != nil || len(open) != 5 || len(open[0].Path) != 2 {
			t.Errorf("%s: open calls %+v, %v", when, open, err)
		}
		if left, err := filepath.Glob(filepath.Join(p.Config.DataDir, "spool", "*")); err != nil || len(left) > 0 {
			t.Errorf("%s: the spool still holds %v, %v", when, left, err)
		}
		stop()
	}
}

func tornTail(t *testing.T, engine Engine) {
	folder, all := spooled(t, engine, 3)
	files, err := filepath.Glob(filepath.Join(folder, "*.log"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(files[0], info.Size()-5); err != nil {
		t.Fatal(err)
	}
	p := engine(t)
	putSpool(t, p, folder)
	s, _ := Start(t, p.Config)
	got, err := s.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all[:8], got); diff != "" {
		t.Error(diff)
	}
	Append(t, s.Journal(), story("T-new", 0)...)
	if err := Numbered(Collect(t, s.Journal(), 0, 10), 1); err != nil {
		t.Error(err)
	}
}

func readersSeeEachOnce(t *testing.T, engine Engine) {
	p := engine(t)
	s, _ := Start(t, p.Config)
	j := s.Journal()
	const rounds, each = 3, 30
	total := rounds * 2 * each * 4
	var wg sync.WaitGroup
	for range 4 { // some keep up, all cross the changes of mode
		wg.Go(func() {
			if err := Numbered(Collect(t, j, 0, total), 1); err != nil {
				t.Error(err)
			}
		})
	}
	n := 0
	write := func() {
		for range each {
			n++
			Append(t, j, story(call.TicketID(fmt.Sprintf("T-%d", n)), 2)...)
		}
	}
	for range rounds {
		write()
		p.Away()
		write()
		p.Back()
		Eventually(t, "direct again", func() bool { return j.Status().Mode == store.Direct })
	}
	wg.Wait()
	if err := Numbered(Collect(t, j, 0, total), 1); err != nil {
		t.Errorf("late reader: %v", err)
	}
}

func givenUp(t *testing.T, engine Engine) {
	s := Open(t, engine(t).Config) // nobody writes
	ctx, cancel := context.WithCancelCause(t.Context())
	hangup := call.Cause{Reason: call.Hangup}
	time.AfterFunc(20*time.Millisecond, func() { cancel(hangup) })
	if err := s.Journal().Append(ctx, story("T-1", 0)...); !errors.Is(err, hangup) {
		t.Errorf("got %v", err)
	}
	if n := s.Journal().Status().Pending; n != 0 {
		t.Errorf("%d events still wait", n)
	}
	if err := s.Journal().Append(ctx, story("T-1", 0)...); !errors.Is(err, hangup) {
		t.Errorf("with a context that is over: %v", err)
	}
}

func refused(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	at := time.Now()
	for name, e := range map[string]call.Event{
		"no body":     {Stream: call.Stream{Kind: call.StreamCall, ID: "c"}, At: at},
		"no stream":   call.CallEvent(at, "", call.Answered{}),
		"no instant":  call.CallEvent(time.Time{}, "c", call.Answered{}),
		"NUL in id":   call.CallEvent(at, "c\x00", call.Answered{}),
		"no JSON":     call.CallEvent(at, "c", call.StageEntered{Input: []byte("{")}),
		"endless id":  call.CallEvent(at, call.ID(make([]byte, 10_000)), call.Answered{}),
		"invalid id":  call.CallEvent(at, "\xff", call.Answered{}),
		"nil unknown": call.CallEvent(at, "c", call.Unknown{Name: "x", Data: []byte("nonsense")}),
	} {
		if err := s.Journal().Append(t.Context(), arrival(1), e); err == nil {
			t.Errorf("%s: no error", name)
		}
		s.Journal().Post(e)
	}
	Append(t, s.Journal(), arrival(2))
	if got := s.Journal().Status().LastGlobal; got != 1 {
		t.Errorf("%d events were kept, want 1", got)
	}
	if err := s.Journal().Append(t.Context()); err != nil {
		t.Errorf("nothing to append: %v", err)
	}
}

func stripped(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	at := time.Now()
	id := call.NewID(at)
	long := string(make([]byte, 5000)) + "x"
	Append(t, s.Journal(), call.CallEvent(at, id, call.Arrived{
		Ticket: "T-\x001", Origin: "a\x00b\xffc", From: call.Party{Number: "+49\x00301", Name: `back\u0000slash` + "\xc3"}, Trunk: long,
	}))
	r, err := s.Call(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := call.Record{
		ID: id, Ticket: "T-1", Origin: "ab\ufffdc", From: call.Party{Number: "+49301", Name: `back\u0000slash` + "\ufffd"},
		Trunk: "x", Arrived: call.Instant(at),
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Call(t.Context(), "\x00\xff"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("asked for a strange id: %v", err)
	}
}

func sequencesGoOn(t *testing.T, engine Engine) {
	p := engine(t)
	at := time.Now()
	id := call.NewID(at)
	for i, evs := range [][]call.Event{
		{call.CallEvent(at, id, call.Arrived{Ticket: "T-1"}), call.AgentEvent(at, "ana", call.AgentSet{Name: "Ana"}), call.SystemEvent(at, call.Started{Boot: "1"}), call.HoursEvent(at, "desk", call.HoursOverridden{Calendar: "desk", State: "closed"})},
		{call.CallEvent(at, id, call.Answered{}), call.AgentEvent(at, "ana", call.PresenceChanged{Presence: call.Available}), call.SystemEvent(at, call.Started{Boot: "2"}), call.HoursEvent(at, "desk", call.HoursOverridden{Calendar: "desk"})},
		{call.CallEvent(at, id, call.Ended{Outcome: call.OutcomeEndedInFlow}), call.TicketEvent(at, "T-1", call.TicketOpened{Call: id})},
		{call.CallEvent(at, id, call.CallerLost{Reason: "r"}), call.TicketEvent(at, "T-1", call.TicketNoted{Note: "n", Text: "x"})},
	} {
		s, stop := Start(t, p.Config)
		if i > 0 {
			if got := s.Journal().Status().LastGlobal; got == 0 {
				t.Error("a restart forgot the journal's end")
			}
		}
		Append(t, s.Journal(), evs...)
		stop()
	}
	s, _ := Start(t, p.Config)
	if err := Numbered(Collect(t, s.Journal(), 0, 12), 1); err != nil {
		t.Error(err)
	}
	story, err := s.Story(t.Context(), call.Stream{Kind: call.StreamCall, ID: string(id)}, 1, 2)
	if err != nil || len(story) != 2 || story[0].Seq != 2 || story[1].Seq != 3 {
		t.Errorf("story: %+v, %v", story, err)
	}
}

func nothingAfterTheEnd(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	s.Journal().Post(arrival(1))
	stop()
	if err := s.Journal().Append(t.Context(), arrival(2)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Append: %v", err)
	}
	s.Journal().Post(arrival(3))
	again, _ := Start(t, p.Config)
	if got := again.Journal().Status().LastGlobal; got != 1 {
		t.Errorf("%d events are kept; what was posted before the end is, and nothing else", got)
	}
}

func secondOwner(t *testing.T, engine Engine) {
	p := engine(t)
	_, stop := Start(t, p.Config)
	second := p.Config
	if p.Config.Database != "" {
		second.DataDir = t.TempDir()
	}
	if s, err := store.Open(t.Context(), second, logger(t)); !errors.Is(err, store.ErrOwned) {
		if err == nil {
			s.Close()
		}
		t.Errorf("a second owner got %v", err)
	}
	stop()
	_, stop = Start(t, second)
	stop()
}

func signOfLife(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	if !s.LastAlive().IsZero() {
		t.Errorf("somebody lived before the first: %v", s.LastAlive())
	}
	file := filepath.Join(p.Config.DataDir, "alive")
	Eventually(t, "a sign of life", func() bool { b, err := os.ReadFile(file); return err == nil && len(b) > 0 })
	stop()
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, _ = Start(t, p.Config)
	if got := fmt.Sprintf("%019d\n", s.LastAlive().UnixMicro()); got != string(before) {
		t.Errorf("last sign of life %q, want %q", got, before)
	}
}

func places(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	ctx := t.Context()
	begin := call.Instant(time.Now().Add(-time.Hour))
	for i := range 10 { // one call every five minutes
		at := begin.Add(time.Duration(i) * 5 * time.Minute)
		Append(t, s.Journal(), call.CallEvent(at, call.ID(fmt.Sprintf("c%d", i)), call.Arrived{Ticket: "T-1"}))
	}
	for i := range 10 {
		at := begin.Add(time.Duration(i) * 5 * time.Minute)
		if got, err := s.Behind(ctx, at); err != nil || got != int64(i) {
			t.Errorf("behind %v: %d, %v; want %d", at, got, err, i)
		}
	}
	if got, err := s.Behind(ctx, time.Now().Add(time.Hour)); err != nil || got != 10 {
		t.Errorf("behind the future: %d, %v", got, err)
	}
	// A long day that Asterisk served, written afterwards, hides nothing that lies before it.
	late := make([]call.Event, 40)
	for i := range late {
		late[i] = call.CallEvent(begin.Add(-time.Hour), call.ID(fmt.Sprintf("late%d", i)), call.Arrived{Ticket: "T-2"})
		late[i].Config = call.ConfigAsterisk
		if i%2 == 1 {
			late[i] = call.LostEvent(begin.Add(-time.Hour), call.LostID(fmt.Sprintf("late%d", i)), call.LostOpened{Ticket: "T-2"})
		}
	}
	Append(t, s.Journal(), late...)
	for i := range 10 {
		at := begin.Add(time.Duration(i) * 5 * time.Minute)
		if got, err := s.Behind(ctx, at); err != nil || got > int64(i) {
			t.Errorf("behind %v, with what was written late: %d, %v; want at most %d", at, got, err, i)
		}
	}
	before, err := s.Position(ctx, call.StreamCall, "c7")
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Calls(ctx, store.CallFilter{Before: before, Limit: 1})
	if err != nil || len(page.Items) != 1 || page.Items[0].ID != "c6" {
		t.Errorf("behind c7 comes %+v, %v", page, err)
	}
	if _, err := s.Position(ctx, call.StreamTicket, "T-9"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("place of nothing: %v", err)
	}
}
