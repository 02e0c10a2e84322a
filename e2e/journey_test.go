//go:build e2e

package e2e

import (
	"math"
	"testing"
	"time"

	"firstline/sip/media"
)

func TestACallBetweenPeersIsToldWithWaitHoldAndRecordingOnSQLite(t *testing.T) {
	t.Parallel()
	journey(t, native(t, setting{}))
}

func TestACallBetweenPeersIsToldWithWaitHoldAndRecordingOnPostgreSQL(t *testing.T) {
	t.Parallel()
	cluster := startPostgres(t)
	t.Run("that is there", func(t *testing.T) { journey(t, native(t, setting{database: cluster.Database(t)})) })
	t.Run("that is away for 20 s", func(t *testing.T) { journeyWithoutDatabase(t, cluster) })
}

// line is an office with an agent 2001 at a phone, and how one phones in to its menu.
type line struct {
	*office
	agent   func() *baresip
	phoneIn func(number string) *sippCaller
	// late says that a recording begins when the exchange has set it up: a little of the talk is missing.
	late bool
}

// native is an office that answers itself.
func native(t *testing.T, with setting) line {
	s := serve(t, with)
	return line{
		office: s, agent: func() *baresip { return s.softphone("2001", "auto") },
		phoneIn: func(number string) *sippCaller { return s.phoneIn(number, "1000", "1") },
	}
}

// journey is one call between sipp and baresip, and all that must be known of it.
func journey(t *testing.T, l line) {
	const number = "+15550100701"
	s, agent := l.office, l.agent()
	caller := l.phoneIn(number)
	s.api.awaitCall(number, "talks", func(c callRecord) bool { return c.State == "talking" && c.TalkMs > 4000 })
	agent.do("hold")
	s.api.awaitCall(number, "is on hold", func(c callRecord) bool { return c.State == "on-hold" && c.HoldMs > 3000 })
	agent.do("resume")
	s.api.awaitCall(number, "talks again", func(c callRecord) bool { return c.State == "talking" && c.TalkMs-c.HoldMs > 11000 })
	agent.do("hangup")
	caller.went()
	c := s.api.awaitEnd(number)

	if c.Outcome != "answered" || c.Agent != "2001" || c.Queue != "service-desk" || len(c.Entries) != 1 || len(c.Talks) != 1 {
		t.Fatalf("the call: %+v", c)
	}
	if len(c.Path) != 2 || c.Path[0].Notice == "" || c.Path[1].Digits != "1" {
		t.Errorf("its path: %+v", c.Path)
	}
	if c.WaitMs <= 0 || c.WaitMs != c.Entries[0].WaitMs {
		t.Errorf("waited %d ms, in the queue %d", c.WaitMs, c.Entries[0].WaitMs)
	}
	talk := c.Talks[0]
	if talk.EndedBy != "agent" || len(talk.Holds) != 1 || talk.Holds[0].By != "agent" || talk.Holds[0].To == nil || talk.Ended == nil {
		t.Fatalf("the talk: %+v", talk)
	}
	hold := talk.Holds[0].To.Sub(talk.Holds[0].From)
	if hold.Milliseconds() != c.HoldMs {
		t.Errorf("held for %v, told as %d ms", hold, c.HoldMs)
	}
	ticketOf(t, s, c)
	recordingOf(t, l, c)
	if d := media.Heard(agent.heard(), callerTone, 0.05); d < 3*time.Second {
		t.Errorf("before the hold the agent heard the caller for %v only", d)
	}
	wholeJournal(t, s)
}

// ticketOf holds the ticket to its call.
func ticketOf(t *testing.T, s *office, c callRecord) {
	t.Helper()
	var mine ticket
	s.api.get("/api/v1/tickets/"+c.Ticket, &mine)
	if mine.ID != c.Ticket || mine.Caller.Number != c.From.Number {
		t.Errorf("ticket %+v of call %+v", mine, c)
	}
	if n := len(s.api.tickets()); n != 1 {
		t.Errorf("%d tickets for one call", n)
	}
}

// recordingOf holds the recording to the times of the call and to what each side played.
func recordingOf(t *testing.T, s line, c callRecord) {
	t.Helper()
	if len(c.Recordings) != 1 {
		t.Fatalf("%d recordings", len(c.Recordings))
	}
	var row recording
	s.api.get("/api/v1/recordings/"+c.Recordings[0], &row)
	b := s.api.audio(row.ID)
	sum := sha256Hex(b)
	if sum != row.SHA256 || int64(len(b)) != row.Bytes {
		t.Errorf("the audio has %d bytes and SHA-256 %s, the catalogue says %d and %s", len(b), sum, row.Bytes, row.SHA256)
	}
	if row.Ticket != c.Ticket || row.Call != c.ID || row.Agent != c.Agent || row.Interrupted || row.Fault != "" {
		t.Errorf("the catalogue: %+v", row)
	}
	talk, hold := ms(c.TalkMs), c.Talks[0].Holds[0]
	percent := func(what string, got, want time.Duration) {
		t.Helper()
		t.Logf("%s: %v, talk %v", what, got, talk)
		if diff := (got - want).Abs(); diff > talk/100 {
			t.Errorf("%s is %v, want %v within 1 %% of the talk's %v", what, got, want, talk)
		}
	}
	left, right := wav(t, b)
	length := time.Duration(len(left)) * time.Second / 8000
	missing := time.Duration(0)
	if s.late {
		if missing = talk - length; missing < 0 || missing > 2*time.Second {
			t.Errorf("the recording lacks %v of the talk's %v", missing, talk)
		}
	}
	percent("the recording's length", length, talk-missing)
	percent("its length in the catalogue", ms(row.DurationMs), length)
	percent("the caller's tone on the left", media.Heard(left, callerTone, 0.05), length)
	percent("the agent's tone on the right", media.Heard(right, agentTone, 0.05), length-ms(c.HoldMs))
	if d := media.Heard(left, agentTone, 0.05) + media.Heard(right, callerTone, 0.05); d > 0 {
		t.Errorf("the sides are mixed for %v", d)
	}
	from := hold.From.Sub(c.Talks[0].Began)
	silent := quietest(right, ms(c.HoldMs))
	percent("the hold's place on the time line", silent, from-missing)
}

// quietest is where the span of that length with the least sound begins.
func quietest(samples []int16, span time.Duration) time.Duration {
	const frame = 160
	n := int(span / (20 * time.Millisecond))
	var sound []float64
	for i := 0; i+frame <= len(samples); i += frame {
		e := 0.0
		for _, s := range samples[i : i+frame] {
			e += math.Abs(float64(s))
		}
		sound = append(sound, e)
	}
	best, least := 0, math.Inf(1)
	for i := 0; i+n <= len(sound); i++ {
		e := 0.0
		for _, v := range sound[i : i+n] {
			e += v
		}
		if e < least {
			best, least = i, e
		}
	}
	return time.Duration(best) * 20 * time.Millisecond
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
