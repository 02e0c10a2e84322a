// Command serve runs a web.Server on a desk in memory, for the browser tests of
// web/ui. It prints one line of JSON when it listens, and takes one command a
// line on its input: join, talk, menu, hangup.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"firstline/call"
	"firstline/web"
	"firstline/web/webtest"
)

const desk = "service-desk"

// What callers and notes may bring (T16). Each would set window.pwned, or be
// reported as a breach of the policy, if any page took it for more than text.
var payloads = []string{ //nolint:gochecknoglobals // a table
	`<script>window.pwned=1</script>`,
	`<img src=x onerror=window.pwned=1>`,
	`"><svg onload=window.pwned=1>`,
	`javascript:window.pwned=1`,
	`{{constructor.constructor('window.pwned=1')()}}`,
	`</script><script>window.pwned=1</script>`,
	`<iframe srcdoc="<script>parent.pwned=1</script>">`,
	`<style>@import 'https://evil.example/x.css';</style>`,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := webtest.New()
	w.Rules = append(w.Rules,
		web.QueueRule{ID: "network", Name: "Network", Need: call.Requirement{Skills: map[string]int{"vpn": 1}}, Target: w.Rules[0].Target},
		web.QueueRule{ID: "priority", Name: "Priority line", Target: call.Target{Within: 10 * time.Second, Percent: 90}},
	)
	w.Clients = map[string]string{"1001": "=acme"} // a spreadsheet would run it
	w.Zones = make(map[string]*time.Location)      // that of the browser is neither
	for client, name := range map[string]string{"": "Asia/Kolkata", "=acme": "America/New_York"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return err
		}
		w.Zones[client] = zone
	}
	kiosk := sha256.Sum256([]byte("kiosk-token"))
	w.Roles[hex.EncodeToString(kiosk[:])] = web.Kiosk
	morning(w)
	now := present(w)
	s, err := web.New(w.Config())
	if err != nil {
		return err
	}
	out := map[string]string{
		"url": s.URL(), "link": s.SignInLink(), "call": string(now.told.ID), "ticket": string(now.told.Ticket), "talking": string(now.talking.ID),
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		return err
	}
	commands := make(chan string)
	go func() { // ends with the input, which ends with the test
		defer stop()
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			commands <- in.Text()
		}
	}()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for {
		select {
		case c := <-commands:
			now.obey(w, c)
		case err := <-done:
			return err
		}
	}
}

// morning is the calls that were, so that the figures are not empty.
func morning(w *webtest.World) {
	now := time.Now()
	people := []string{"Ana Brandt", "Ben Osei", "Chiara Rossi", "Dmitri Volkov", "Eva Lindqvist", "Farid Haddad", "Grace Kim", "Hugo Silva"}
	for i, name := range people {
		id := call.AgentID(fmt.Sprint(2001 + i))
		w.Hire(now.Add(-3*time.Hour), id, name, call.Available, call.Idle)
	}
	for n := range 42 {
		at := now.Add(-time.Duration(178-4*n) * time.Minute) // all of it before present's first: a journal is in order of time
		c := w.ArriveOn([]string{"1000", "1001"}[n%2], at, webtest.TicketNumber(n), call.Party{Number: fmt.Sprintf("+49301234%03d", n)}).At("welcome", "main", []string{"technical", "account"}[n%2], "desk").Press("main", "1").Join(desk)
		if n%9 == 4 {
			c.After(40*time.Second).Abandon(desk, at)
			w.Lose(at.Add(40*time.Second), c, call.Party{Number: fmt.Sprintf("+49301234%03d", n%36), Name: payloads[n%len(payloads)]})
			continue
		}
		c.After(3 * time.Second).Offer(call.AgentID(fmt.Sprint(2001 + n%8)))
		c.After(time.Duration(n%5*4)*time.Second).Talk(desk, at)
		c.After(90 * time.Second).HangUp()
		w.Add(call.AgentEvent(at.Add(3*time.Minute), call.AgentID(fmt.Sprint(2001+n%8)), call.ActivityChanged{Activity: call.Idle}))
	}
}

// scene is the calls that the test speaks of.
type scene struct {
	told, talking, joined *webtest.Caller
	at                    time.Time
	next                  int
}

func present(w *webtest.World) *scene {
	now := time.Now()
	s := &scene{next: 100}
	at := now.Add(-10 * time.Minute)
	s.told = w.Arrive(at, "T-100090", call.Party{Number: "+49301234567", Name: payloads[0]}).Press("main", "1").Join(desk).
		After(2*time.Second).Offer("2001").After(15*time.Second).Miss().Offer("2002").After(4*time.Second).Talk(desk, at).
		After(30 * time.Second).Hold().After(25 * time.Second).Unhold().After(time.Minute).HangUp()
	w.SetAudio(s.told.Recording(), tone(3))
	for _, p := range payloads {
		w.Add(call.TicketEvent(at, "T-100090", call.TicketNoted{Note: call.NewUUID(at), Author: p, Text: p}))
	}
	at = now.Add(-4 * time.Minute)
	s.talking = w.Arrive(at, "T-100091", call.Party{Number: "+4989555123", Name: "Jonas Weber"}).Press("main", "1").Join(desk).
		After(time.Second).Offer("2003").After(6*time.Second).Talk(desk, at)
	w.SetAudio(s.talking.Recording(), tone(2))
	at = now.Add(-95 * time.Second)
	w.Arrive(at, "T-100092", call.Party{Number: "+4940777888"}).Join(desk).
		After(time.Second).Offer("2004").After(5*time.Second).Talk(desk, at).After(40 * time.Second).Hold()
	state := func(id call.AgentID, ago time.Duration, p call.Presence, reason string, a call.Activity) {
		w.Add(call.AgentEvent(now.Add(-ago), id, call.PresenceChanged{Presence: p, Reason: reason, By: "self"}),
			call.AgentEvent(now.Add(-ago), id, call.ActivityChanged{Activity: a}))
	}
	state("2001", time.Minute, call.Available, "", call.Idle)
	state("2002", 20*time.Second, call.Available, "", call.Idle)
	w.Add(call.AgentEvent(now, "2002", call.ActivityChanged{Activity: call.WrapUp, Until: now.Add(50 * time.Second)}))
	state("2005", 17*time.Minute, call.OnBreak, "lunch", call.Idle)
	state("2006", 4*time.Minute, call.Available, "", call.PhoneGone)
	state("2008", time.Hour, call.LoggedOut, "", call.Idle)
	for i, ago := range []time.Duration{26 * time.Second, 16 * time.Second, 5 * time.Second} {
		at := now.Add(-ago)
		w.Arrive(at, webtest.TicketNumber(93+i), call.Party{Number: fmt.Sprintf("+4930998%d", 101+i), Name: payloads[1+i]}).Press("main", "1").Join(desk)
	}
	w.Arrive(now.Add(-12*time.Second), "T-100096", call.Party{Name: payloads[4]}).At("welcome", "main")
	for n := range 3 {
		w.Arrive(now.Add(-11*time.Second), webtest.TicketNumber(80+n), call.Party{}).At("welcome", "main", "account").GiveUp()
	}
	w.Propose("+4930666123", "agent:"+payloads[0], false)
	w.Propose("+4930777*", "supervisor:Ana", true)
	old := w.Know("mobile")
	w.Spoke(now.Add(-2*time.Hour), old, "agent:"+payloads[0])
	w.Over(old)
	w.Spoke(now.Add(-9*time.Minute), w.Know("service-desk"), "agent:2010")
	w.AskBack(now, s.told.ID)
	w.OweBack(now, s.talking.ID, call.Party{Number: "+4930444555", Name: payloads[5]})
	return s
}

func (s *scene) obey(w *webtest.World, command string) {
	verb, name, _ := strings.Cut(command, " ")
	switch verb {
	case "join":
		s.at = time.Now()
		s.joined = w.Arrive(s.at, webtest.TicketNumber(s.next), call.Party{Number: "+4930555999", Name: name}).Press("main", "1").Join(desk)
		s.next++
	case "talk":
		s.joined.After(time.Since(s.at)).Offer("2001").Talk(desk, s.at)
	case "menu":
		w.Arrive(time.Now(), webtest.TicketNumber(s.next), call.Party{}).At("welcome", "main")
		s.next++
	case "hangup":
		s.joined.HangUp()
	}
}

// tone is a WAV of so many seconds, 440 Hz left and 660 Hz right, 8 kHz.
func tone(seconds int) []byte {
	const rate = 8000
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // a buffer takes all
	n := uint32(seconds * rate * 4)
	b.WriteString("RIFF")
	put(36 + n)
	b.WriteString("WAVEfmt ")
	put(uint32(16))
	put([]uint16{1, 2})
	put([]uint32{rate, rate * 4})
	put([]uint16{4, 16})
	b.WriteString("data")
	put(n)
	for i := range seconds * rate {
		t := 2 * math.Pi * float64(i) / rate
		put([]int16{int16(8000 * math.Sin(440*t)), int16(8000 * math.Sin(660*t))})
	}
	return b.Bytes()
}
