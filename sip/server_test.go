package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firstline/call"
)

// udpPeer is a peer on a real socket.
func (c *center) udpPeer() *realPeer {
	c.t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	must(c.t, err)
	c.t.Cleanup(func() { conn.Close() })
	return &realPeer{t: c.t, conn: conn, us: c.addr}
}

// realPeer says literal messages over UDP; {me} and {us} stand for the addresses.
type realPeer struct {
	t    *testing.T
	conn *net.UDPConn
	us   netip.AddrPort
}

func (p *realPeer) say(msg string) {
	p.t.Helper()
	head, body, _ := strings.Cut(strings.TrimLeft(msg, "\n"), "\n\n")
	r := strings.NewReplacer("{me}", p.conn.LocalAddr().String(), "{us}", p.us.String(), "\n", "\r\n")
	body = strings.ReplaceAll(body, "\n", "\r\n")
	text := r.Replace(strings.TrimRight(head, "\n")) + "\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body
	if _, err := p.conn.WriteToUDPAddrPort([]byte(text), p.us); err != nil {
		p.t.Fatal(err)
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// want reads until a message begins so.
func (p *realPeer) want(first string) heardMsg {
	p.t.Helper()
	b := make([]byte, 65536)
	must(p.t, p.conn.SetReadDeadline(time.Now().Add(patience)))
	for {
		n, _, err := p.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			p.t.Fatalf("no %s: %v", first, err)
		}
		if m := (heardMsg{text: string(b[:n])}); strings.HasPrefix(m.first(), first) {
			return m
		}
	}
}

const sdpFrom = `v=0
o=- 1 %v IN IP4 127.0.0.1
s=-
c=IN IP4 %s
t=0 0
m=audio 30000 RTP/AVP %s
a=%s
`

func sdpOf(version, host, formats, direction string) string {
	return strings.NewReplacer("%v", version, "IP4 %s", "IP4 "+host, "AVP %s", "AVP "+formats, "a=%s", "a="+direction).Replace(sdpFrom)
}

func (p *realPeer) invite(callID, body string) {
	head := `
INVITE sip:1000@{us} SIP/2.0
Via: SIP/2.0/UDP {me};branch=z9hG4bK` + callID + `;rport
Max-Forwards: 70
From: <sip:4930@{me}>;tag=far
To: <sip:1000@{us}>
Call-ID: ` + callID + `
CSeq: 1 INVITE
Contact: <sip:4930@{me}>
`
	if body != "" {
		head += "Content-Type: application/sdp\n"
	}
	p.say(head + "\n" + body)
}

func (p *realPeer) inside(method, seq string, res heardMsg, body string) {
	p.t.Helper()
	head := method + ` sip:firstline@{us} SIP/2.0
Via: SIP/2.0/UDP {me};branch=z9hG4bK` + method + seq + res.header("Call-ID") + `;rport
Max-Forwards: 70
From: ` + res.header("From") + "\nTo: " + res.header("To") + "\nCall-ID: " + res.header("Call-ID") + "\nCSeq: " + seq + " " + method + "\nContact: <sip:4930@{me}>\n"
	if body != "" {
		head += "Content-Type: application/sdp\n"
	}
	p.say(head + "\n" + body)
}

func TestPortInUseIsOneClearSentence(t *testing.T) {
	c := newCenter(t, nil, nil)
	cfg := c.srv.cfg
	cfg.Listen = []Listener{{"udp", c.addr.String()}}
	_, err := New(cfg)
	if err == nil || err.Error() != "sip: udp "+c.addr.String()+" is in use by another program" {
		t.Errorf("got %v", err)
	}
}

func TestValidateNamesAllFaults(t *testing.T) {
	err := Config{
		Listen: []Listener{{"sctp", "nowhere"}}, MaxCalls: -1, RecordingsDir: "var",
		Trunks: []Trunk{{Name: "", Outbound: Outbound{Allow: []string{"+49x"}}}},
	}.Validate()
	for _, want := range []string{"sctp", "nowhere", "media engine", "sounds", "-1 calls", `"var"`, "trunk 1", "no proxy", "+49x"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestStrangersAreRefusedOrIgnored(t *testing.T) {
	for name, silent := range map[string]bool{"refused": false, "ignored": true} {
		t.Run(name, func(t *testing.T) {
			c := newCenter(t, nil, func(cfg *Config) { cfg.Trunks, cfg.Auth, cfg.Silent = nil, nil, silent })
			p := c.udpPeer()
			p.invite("stranger", sdpOf("1", "127.0.0.1", "0", "sendrecv"))
			b := make([]byte, 65536)
			if !silent {
				p.want("403")
			} else {
				must(t, p.conn.SetReadDeadline(time.Now().Add(400*time.Millisecond)))
				if n, err := p.conn.Read(b); err == nil { // a 100 by itself after 200 ms, say
					t.Errorf("a stranger who is ignored got %q", b[:n])
				}
			}
			p.say("OPTIONS sip:{us} SIP/2.0\nVia: SIP/2.0/UDP {me};branch=z9hG4bKo;rport\nMax-Forwards: 70\nFrom: <sip:a@{me}>;tag=a\nTo: <sip:{us}>\nCall-ID: o\nCSeq: 1 OPTIONS\n")
			must(t, p.conn.SetReadDeadline(time.Now().Add(patience)))
			n, err := p.conn.Read(b)
			must(t, err)
			if m := (heardMsg{text: string(b[:n])}); !strings.HasPrefix(m.first(), "200") || !strings.Contains(m.header("Accept"), "application/sdp") {
				t.Errorf("first message was %q", m.text)
			}
		})
	}
}

func TestOffersThatCannotBeTakenAre488(t *testing.T) {
	c := newCenter(t, nil, nil)
	for name, body := range map[string]string{
		"codec":     sdpOf("1", "127.0.0.1", "18", "sendrecv"),
		"multicast": sdpOf("1", "224.0.0.1", "0", "sendrecv"),
		"broadcast": sdpOf("1", "255.255.255.255", "0", "sendrecv"),
	} {
		t.Run(name, func(t *testing.T) {
			p := c.udpPeer()
			p.invite(name, body)
			p.want("488")
		})
	}
	if len(c.handler) != 0 {
		t.Error("a call was served")
	}
}

func TestAdmissionAndCapacityAre503WithRetryAfter(t *testing.T) {
	var closed atomic.Bool
	c := newCenter(t, nil, func(cfg *Config) {
		cfg.MaxCalls = 1
		cfg.Admit = func() error {
			if closed.Load() {
				return errors.New("the desk is closed")
			}
			return nil
		}
	})
	p := c.udpPeer()
	offer := sdpOf("1", "127.0.0.1", "0", "sendrecv")
	p.invite("one", offer)
	in := c.next()
	p.invite("two", offer)
	if m := p.want("503"); m.header("Retry-After") == "" {
		t.Errorf("no Retry-After: %q", m.text)
	}
	close(in.done)
	p.want("480") // nothing answered it, and nobody said why
	eventually(t, "the first is counted out", func() bool {
		c.srv.mu.Lock()
		defer c.srv.mu.Unlock()
		return c.srv.calls == 0
	})
	closed.Store(true)
	p.invite("three", offer)
	p.want("503")
}

func TestDelayedOfferIsMadeInTheAnswerAndSettledByTheAck(t *testing.T) {
	c := newCenter(t, nil, nil)
	p := c.udpPeer()
	p.invite("delayed", "")
	in := c.next()
	ctx := within(t)
	must(t, in.Leg.Answer(ctx))
	res := p.want("200")
	if !strings.Contains(res.text, "m=audio") || !strings.Contains(res.text, "telephone-event") {
		t.Errorf("no offer in %q", res.text)
	}
	p.inside("ACK", "1", res, sdpOf("1", "127.0.0.1", "8", "sendrecv"))
	eventually(t, "the codec is settled", func() bool { return in.Leg.(*leg).Quality().Codec == "PCMA" })
	p.inside("BYE", "2", res, "")
	p.want("200")
	_ = waitEnd(in.ctx, t)
}

func TestHoldByReInviteIsReportedAndOnlyChangedDescriptionsGetANewVersion(t *testing.T) {
	c := newCenter(t, nil, nil)
	p := c.udpPeer()
	ctx := within(t)
	p.invite("hold", sdpOf("1", "127.0.0.1", "0", "sendrecv"))
	in := c.next()
	must(t, in.Leg.Answer(ctx))
	res := p.want("200")
	p.inside("ACK", "1", res, "")
	version := func(m heardMsg) string {
		_, o, _ := strings.Cut(m.text, "o=- ")
		return strings.Fields(o)[1]
	}
	steps := []struct {
		host, direction, answer string
		kind                    call.LegEventKind
	}{
		{"127.0.0.1", "sendonly", "a=recvonly", call.LegHeld},
		{"127.0.0.1", "sendonly", "a=recvonly", ""},
		{"127.0.0.1", "sendrecv", "a=sendrecv", call.LegUnheld},
		{"127.0.0.1", "inactive", "a=inactive", call.LegHeld},
		{"127.0.0.1", "sendrecv", "a=sendrecv", call.LegUnheld},
		{"0.0.0.0", "sendrecv", "", call.LegHeld},
		{"127.0.0.1", "sendrecv", "a=sendrecv", call.LegUnheld},
	}
	last := version(res)
	for i, s := range steps {
		seq := itoa(i + 2)
		p.inside("INVITE", seq, res, sdpOf(seq, s.host, "0", s.direction))
		m := p.want("200")
		for !strings.HasPrefix(m.header("CSeq"), seq+" ") {
			m = p.want("200")
		}
		p.inside("ACK", seq, res, "")
		if !strings.Contains(m.text, s.answer) {
			t.Errorf("step %d answered %q", i, m.text)
		}
		if s.kind != "" {
			waitEvent(t, in.Leg, s.kind)
		}
		if same := version(m) == last; same != (s.kind == "") {
			t.Errorf("step %d: version %s after %s", i, version(m), last)
		}
		last = version(m)
	}
	close(in.done)
	p.want("BYE")
	p.inside("BYE", "20", res, "")
	_ = waitEnd(in.ctx, t)
}

func TestOnlyAllowedNumbersAreDialled(t *testing.T) {
	p0 := netip.MustParseAddrPort("127.0.0.1:5999")
	c := newCenter(t, nil, func(cfg *Config) {
		cfg.Trunks = append(cfg.Trunks, Trunk{Name: "out", Outbound: Outbound{Proxy: p0, Allow: []string{"+4930"}, Strip: "0", Add: "+49"}})
	})
	for number, ok := range map[string]bool{"030123": true, "090012345": false, "0089123": false, "sip:x@y": false, "0301;x": false, "": false} {
		if _, got := c.srv.cfg.Trunks[1].Outbound.dial(number); got != ok {
			t.Errorf("%q may be dialled: %v", number, got)
		}
	}
	_, err := c.srv.Originate(within(t), call.Originate{ID: "x", To: call.Endpoint{Number: "0900123"}})
	if !errors.Is(err, ErrNotAllowed) {
		t.Errorf("got %v", err)
	}
	_, err = c.srv.Originate(within(t), call.Originate{ID: "y", To: call.Endpoint{Device: "2001"}})
	if !errors.Is(err, call.Cause{Reason: call.Unreachable}) {
		t.Errorf("not registered: %v", err)
	}
	_, err = c.srv.Originate(within(t), call.Originate{ID: "z", To: call.Endpoint{Number: "030123"}, Headers: map[string]string{"Route": "<sip:evil>"}})
	if err == nil {
		t.Error("a Route header was taken")
	}
}

func TestAPhoneThatRingsTooLongIsGivenUpAndBusyIsBusy(t *testing.T) {
	c := newCenter(t, nil, nil)
	ctx := within(t)
	phone := c.phone(PhoneConfig{User: "2001", Password: "one", Incoming: func(p *PhoneCall) {
		_ = p.Ring(ctx)
		<-p.Context().Done()
	}})
	must(t, phone.Register(ctx))
	l, err := c.srv.Originate(ctx, call.Originate{ID: "ring", To: call.Endpoint{Device: "2001"}, Ring: 300 * time.Millisecond})
	must(t, err)
	waitEvent(t, l, call.LegRinging)
	if got := waitEnd(l.Context(), t); got.Reason != call.NoAnswer {
		t.Errorf("ended with %v", got)
	}
	busy := c.phone(PhoneConfig{User: "2002", Password: "two"})
	must(t, busy.Register(ctx))
	l, err = c.srv.Originate(ctx, call.Originate{ID: "busy", To: call.Endpoint{Device: "2002"}})
	must(t, err)
	if got := waitEnd(l.Context(), t); got.Reason != call.Busy || got.SIP != 486 {
		t.Errorf("ended with %v", got)
	}
}

func TestRegisteredPhonesDialInWithTheirPassword(t *testing.T) {
	c := newCenter(t, nil, func(cfg *Config) { cfg.Trunks = nil })
	ctx := within(t)
	phone := c.phone(PhoneConfig{User: "2001", Password: "one"})
	must(t, phone.Register(ctx))
	out, err := phone.Dial(ctx, "1000", nil)
	must(t, err)
	in := c.next()
	if in.Trunk != "2001" {
		t.Errorf("came by %q", in.Trunk)
	}
	must(t, in.Leg.Answer(ctx))
	must(t, call.AwaitAnswer(ctx, out, nil))
	must(t, out.PutOnHold(ctx))
	waitEvent(t, in.Leg, call.LegHeld)
	out, err = c.phone(PhoneConfig{User: "2002", Password: "wrong"}).Dial(ctx, "1000", nil)
	must(t, err)
	if got := waitEnd(out.Context(), t); got.SIP != 401 {
		t.Errorf("wrong password: %v", got)
	}
}

func TestShutdownHangsUpAndLeavesNothing(t *testing.T) {
	c := newCenter(t, nil, nil)
	ctx := within(t)
	out, err := c.phone(PhoneConfig{}).Dial(ctx, "1000", nil)
	must(t, err)
	in := c.next()
	must(t, in.Leg.Answer(ctx))
	must(t, call.AwaitAnswer(ctx, out, nil))
	c.srv.end()
	if got := waitEnd(in.ctx, t); got.Reason != call.Shutdown {
		t.Errorf("caller's leg ended with %v", got)
	}
	if got := waitEnd(out.Context(), t); got.Reason != call.Hangup {
		t.Errorf("the caller saw %v", got)
	}
	again, err := c.phone(PhoneConfig{User: "4931"}).Dial(ctx, "1000", nil)
	must(t, err)
	if got := waitEnd(again.Context(), t); got.SIP != 503 {
		t.Errorf("a new call: %v", got)
	}
}

// sipp is a peer that we did not write: its caller calls ten times and hangs up.
func TestSippCallsAndHangsUp(t *testing.T) {
	c := newCenter(t, handlerFunc(func(ctx context.Context, cl *call.Call) {
		if cl.Leg.Ring(ctx) == nil && cl.Leg.Answer(ctx) == nil {
			_ = cl.Leg.Hold(ctx, "music:default")
			<-ctx.Done()
		}
	}), nil)
	cmd := exec.CommandContext(within(t), "sipp", c.addr.String(), "-sf", "testdata/caller.xml", "-s", "1000",
		"-i", "127.0.0.1", "-m", "10", "-r", "20", "-d", "200", "-nostdin", "-timeout", "15")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("sipp: %v\n%s", err, out)
	}
	eventually(t, "all legs are gone", func() bool { return c.srv.Legs() == 0 })
}

func TestSilenceIsReportedAndEndsTheCallButNotOnHold(t *testing.T) {
	c := newCenter(t, nil, func(cfg *Config) {
		cfg.Media = testEngine(t, 25000, 500*time.Millisecond)
		cfg.MediaGone = 100 * time.Millisecond
	})
	ctx := within(t)
	held, silent := c.udpPeer(), c.udpPeer()
	held.invite("held", sdpOf("1", "127.0.0.1", "0", "sendonly"))
	onHold := c.next()
	must(t, onHold.Leg.Answer(ctx))
	held.inside("ACK", "1", held.want("200"), "")
	silent.invite("silent", sdpOf("1", "127.0.0.1", "0", "sendrecv"))
	in := c.next()
	must(t, in.Leg.Answer(ctx))
	silent.inside("ACK", "1", silent.want("200"), "")
	waitEvent(t, in.Leg, call.LegMediaLost)
	if got := waitEnd(in.ctx, t); got.Reason != call.MediaLost {
		t.Errorf("ended with %v", got)
	}
	silent.want("BYE")
	if onHold.ctx.Err() != nil {
		t.Error("a call on hold was ended for its silence")
	}
}

func TestAgentsPhoneWhoseAudioStopsLosesItsMedia(t *testing.T) {
	c := newCenter(t, nil, func(cfg *Config) {
		cfg.Media = testEngine(t, 27000, 500*time.Millisecond)
		cfg.MediaGone = 100 * time.Millisecond
	})
	ctx := within(t)
	agent := c.phone(PhoneConfig{User: "2001", Password: "one", Incoming: func(p *PhoneCall) {
		if p.Answer(p.Context()) == nil && p.stream.Close() == nil {
			<-p.Context().Done()
		}
	}})
	must(t, agent.Register(ctx))
	out, err := c.srv.Originate(ctx, call.Originate{ID: "mute", To: call.Endpoint{Device: "2001"}})
	must(t, err)
	must(t, call.AwaitAnswer(ctx, out, nil))
	waitEvent(t, out, call.LegMediaLost)
	if got := waitEnd(out.Context(), t); got.Reason != call.MediaLost {
		t.Errorf("ended with %v", got)
	}
}

func TestAnUnspecifiedAddressIsReplacedByTheRoutes(t *testing.T) {
	c := newCenter(t, nil, func(cfg *Config) { cfg.Listen = []Listener{{"udp", "0.0.0.0:0"}} })
	c.addr = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), c.addr.Port())
	ctx := within(t)
	taken := make(chan *PhoneCall, 1)
	agent := c.phone(PhoneConfig{User: "2001", Password: "one", Incoming: autoAnswer(taken, "tone:agent")})
	must(t, agent.Register(ctx))
	out, err := c.srv.Originate(ctx, call.Originate{ID: "any", To: call.Endpoint{Device: "2001"}})
	must(t, err)
	must(t, call.AwaitAnswer(ctx, out, nil))
	far := <-taken
	if got := far.Header("Contact"); !strings.Contains(got, "127.0.0.1:") {
		t.Errorf("Contact %q", got)
	}
	must(t, out.Hangup(ctx, call.Cause{Reason: call.Completed}))
	if got := waitEnd(far.Context(), t); got.Reason != call.Hangup {
		t.Errorf("the phone saw %v", got)
	}
}
