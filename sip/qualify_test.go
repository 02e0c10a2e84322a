package sip

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"firstline/call"
)

// ward is a server that pings, on a lan with one peer.
type ward struct {
	*office
	srv  *Server
	peer *peer
	stop func()
}

// watch runs a rule on a ward under a fake clock. The bubble fails when a
// goroutine is left at its end.
func watch(t *testing.T, every time.Duration, rule func(t *testing.T, w *ward)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newLAN()
		w := &ward{office: newOffice(t, nil), peer: &peer{t, l.listen(peerAddr), peerAddr}}
		cfg := Config{Domain: "firstline.local", Registrar: w.reg, Qualify: every, Log: zap.NewNop()}.withDefaults()
		var err error
		w.srv, err = newServer(cfg, []*socket{{network: "UDP", packet: l.listen(ourAddr)}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		w.stop = func() { cancel(); wg.Wait() }
		defer w.stop()
		wg.Go(func() {
			if err := w.srv.Run(ctx, nil); err != nil {
				t.Errorf("server: %v", err)
			}
		})
		synctest.Wait()
		rule(t, w)
	})
}

// register binds 2001 to contacts at the peer.
func (w *ward) register(expires string, contacts ...string) {
	w.t.Helper()
	var lines []string
	for _, c := range contacts {
		lines = append(lines, "<"+c+">")
	}
	res := w.send(strings.Join(lines, "\n"), expires, func(req *sip.Request) {
		req.SetSource(peerAddr)
		req.SetTransport("UDP")
	})
	if res.StatusCode != 200 {
		w.t.Fatalf("REGISTER got %d", res.StatusCode)
	}
}

func (w *ward) told(want ...string) {
	w.t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, w.changes); diff != "" {
		w.t.Errorf("told of reachability (-want +got):\n%s", diff)
	}
	up := strings.HasSuffix(want[len(want)-1], "true")
	if w.reg.Reachable("2001") != up {
		w.t.Errorf("last told %q, but Reachable is %v", want[len(want)-1], !up)
	}
}

// silence lets n pings pass without a response.
func (w *ward) silence(n int) {
	w.t.Helper()
	for seen := map[string]bool{}; len(seen) < n; {
		m := w.peer.want("OPTIONS")
		seen[m.header("Call-ID")] = true
	}
	w.giveUp()
}

// giveUp lets the pings under way run out.
func (w *ward) giveUp() {
	time.Sleep(33 * time.Second) // 64*T1 and a little
	for len(w.peer.conn.in) > 0 {
		<-w.peer.conn.in
	}
}

// Timer F is 64*T1 (RFC 3261 section 17.1.2.2).
func TestQualifyMakesASilentPhoneUnreachableAfterTwoPingsAndBackWithOneAnswer(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) {
		w.register("3600", "sip:2001@10.0.0.9:5070")
		w.silence(1)
		w.told("2001 true")
		if _, err := w.srv.toDevice("2001"); err != nil {
			t.Errorf("after one miss: %v", err)
		}
		w.silence(1)
		w.told("2001 true", "2001 false")
		_, err := w.srv.Originate(t.Context(), call.Originate{ID: "x", To: call.Endpoint{Device: "2001"}})
		if call.AsCause(err).Reason != call.Unreachable {
			t.Errorf("an offer to a dead phone: %v", err)
		}
		w.silence(1) // it is still dead, and that is not told again
		m := w.peer.want("OPTIONS")
		if !strings.HasPrefix(m.text, "OPTIONS sip:2001@10.0.0.9:5070 SIP/2.0\r\n") || m.from != ourAddr ||
			!strings.Contains(m.header("To"), "<sip:2001@firstline.local>") {
			t.Errorf("pinged from %s by %q", m.from, m.text)
		}
		w.peer.answer(m, "200 OK", "a", "")
		time.Sleep(time.Millisecond)
		w.told("2001 true", "2001 false", "2001 true")
		if _, err := w.srv.toDevice("2001"); err != nil {
			t.Errorf("after an answer: %v", err)
		}
	})
}

func TestQualifyCountsOnlyMissesInARow(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) {
		w.register("3600", "sip:2001@10.0.0.9:5070")
		for range 3 {
			w.silence(1)
			w.peer.answer(w.peer.want("OPTIONS"), "200 OK", "a", "")
		}
		w.told("2001 true")
	})
}

// Whoever asks for a proof that a phone is there gets each, also of one that never
// counted as dead.
func TestQualifyTellsOfEveryProofThatAPhoneIsThere(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) {
		w.register("3600", "sip:2001@10.0.0.9:5070")
		w.register("3600", "sip:2001@10.0.0.9:5070") // again
		for range 2 {
			w.peer.answer(w.peer.want("OPTIONS"), "200 OK", "a", "")
		}
		w.silence(1)
		w.told("2001 true")
		w.register("0", "sip:2001@10.0.0.9:5070") // gone is no proof
		synctest.Wait()
		if w.seen != 4 {
			t.Errorf("told of %d proofs, want 4", w.seen)
		}
	})
}

func TestQualifyTakesAnyResponseAsALifeSign(t *testing.T) {
	for _, status := range []string{"404 Not Found", "486 Busy Here", "401 Unauthorized", "503 Service Unavailable", "302 Moved Temporarily", "100 Trying"} {
		t.Run(status, func(t *testing.T) {
			watch(t, 0, func(t *testing.T, w *ward) {
				w.register("3600", "sip:2001@10.0.0.9:5070")
				for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); {
					w.peer.answer(w.peer.want("OPTIONS"), status, "a", "")
				}
				w.told("2001 true")
			})
		})
	}
}

func TestQualifyIsClearedByAFreshRegister(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) {
		w.register("3600", "sip:2001@10.0.0.9:5070")
		w.silence(2)
		w.told("2001 true", "2001 false")
		w.register("3600", "sip:2001@10.0.0.9:5070")
		w.told("2001 true", "2001 false", "2001 true")
		w.silence(1)
		w.told("2001 true", "2001 false", "2001 true")
	})
}

// The outcome of a ping that was under way when the phone registered anew says
// nothing about the new registration.
func TestQualifyForgetsAPingThatARegisterOvertook(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) {
		w.register("3600", "sip:2001@10.0.0.9:5070")
		w.silence(1)
		w.peer.want("OPTIONS")
		w.register("3600", "sip:2001@10.0.0.9:5070")
		w.giveUp()
		w.silence(1)
		w.told("2001 true")
	})
}

func TestQualifyKeepsADeviceWithOneContactThatAnswersAndOffersGoThere(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) {
		w.register("3600", "sip:lives@10.0.0.9:5070")
		time.Sleep(time.Second)
		w.register("3600", "sip:dead@10.0.0.9:5070") // the fresher one
		target := func() string {
			inv, err := w.srv.toDevice("2001")
			if err != nil {
				t.Fatal(err)
			}
			return inv.target.User
		}
		if got := target(); got != "dead" {
			t.Errorf("before the pings an offer goes to %q", got)
		}
		for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); {
			if m := w.peer.want("OPTIONS"); strings.HasPrefix(m.text, "OPTIONS sip:lives@") {
				w.peer.answer(m, "200 OK", "a", "")
			}
		}
		w.told("2001 true")
		if got := target(); got != "lives" {
			t.Errorf("after the pings an offer goes to %q", got)
		}
		w.register("0", "sip:lives@10.0.0.9:5070") // which leaves the dead one
		w.told("2001 true", "2001 false")
		if len(w.reg.Contacts("2001")) != 1 {
			t.Error("a dead contact is no longer listed")
		}
		w.register("0", "sip:dead@10.0.0.9:5070") // nothing changes by that
		w.told("2001 true", "2001 false")
	})
}

func TestQualifySendsNothingToAnExpiredOrRemovedContact(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) { // without Registrar.Run, which would drop it
		w.register("70", "sip:2001@10.0.0.9:5070")
		w.peer.answer(w.peer.want("OPTIONS"), "200 OK", "a", "")
		time.Sleep(70 * time.Second)
		w.giveUp() // on the ping of the second round
		w.peer.quiet(5 * time.Minute)
		w.register("3600", "sip:2001@10.0.0.9:5070")
		w.register("0", "sip:2001@10.0.0.9:5070")
		w.peer.quiet(5 * time.Minute)
	})
}

func TestQualifyNegativeSendsNothing(t *testing.T) {
	watch(t, -1, func(t *testing.T, w *ward) {
		w.register("3600", "sip:2001@10.0.0.9:5070")
		w.peer.quiet(30 * time.Minute)
	})
}

func TestQualifyCountsAFlowThatIsGoneAsAMiss(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) {
		w.send("<sip:2001@10.0.0.9:5070;transport=tcp>", "3600") // over TCP, where nobody listens
		w.told("2001 true")
		time.Sleep(3 * time.Minute)
		w.told("2001 true", "2001 false")
	})
}

// 500 phones that a restart finds registered must not come at once.
func TestQualifySpreadsThePingsOverTheInterval(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) {
		const phones = 500
		for i := range phones {
			id := call.DeviceID(fmt.Sprint(3000 + i))
			must(t, w.store.SaveBinding(t.Context(), call.Binding{
				Device: id, Contact: fmt.Sprintf("sip:%s@10.0.0.9:5070", id), Source: peerAddr, Transport: "udp",
				Expires: time.Now().Add(time.Hour).UTC().Round(0),
			}))
		}
		must(t, w.reg.Restore(t.Context()))
		first := w.peer.want("OPTIONS")
		start, tenths, last := first.at, make([]int, 10), map[string]time.Time{}
		for m := first; m.at.Sub(start) < time.Minute; m = w.peer.want("OPTIONS") {
			w.peer.answer(m, "200 OK", "a", "")
			tenths[m.at.Sub(start)/(6*time.Second)]++
			last[m.header("To")] = m.at
		}
		for i, n := range tenths {
			if n < phones/10-1 || n > phones/10+1 {
				t.Errorf("tenth %d of the interval has %d pings", i, n)
			}
		}
		if len(last) < phones-1 {
			t.Errorf("%d of %d phones pinged", len(last), phones)
		}
		for range phones - 1 { // and each comes again after about one interval
			m := w.peer.want("OPTIONS")
			w.peer.answer(m, "200 OK", "a", "")
			if d := m.at.Sub(last[m.header("To")]); d < 54*time.Second || d > 66*time.Second {
				t.Errorf("%s pinged again after %v", m.header("To"), d)
			}
		}
	})
}

func TestQualifyEndsWithTheServerAlsoWhilePingsAreUnderWay(t *testing.T) {
	watch(t, 0, func(t *testing.T, w *ward) {
		w.register("3600", "sip:2001@10.0.0.9:5070")
		w.silence(1)
		w.peer.want("OPTIONS")
		start := time.Now()
		w.stop()
		if d := time.Since(start); d > time.Second {
			t.Errorf("the end took %v", d)
		}
		w.told("2001 true") // a ping that we cut off is no miss
		w.peer.quiet(5 * time.Minute)
	})
}

func TestQualifyIsAnsweredByAPhoneAlsoInACall(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			c := newCenter(t, nil, nil)
			p := c.phone(PhoneConfig{User: "2001", Password: "one", Transport: transport})
			must(t, p.Register(within(t)))
			ping := func() {
				t.Helper()
				b := c.srv.cfg.Registrar.Contacts("2001")
				if len(b) != 1 {
					t.Fatalf("registered as %+v", b)
				}
				must(t, c.srv.ping(within(t), &b[0]))
			}
			ping()
			pc, err := p.Dial(within(t), "1000", nil)
			must(t, err)
			s := c.next()
			must(t, s.Leg.Answer(within(t)))
			ping()
			must(t, pc.Hangup(within(t), call.Cause{Reason: call.Completed}))
			close(s.done)
		})
	}
}

func TestQualifyIsAnsweredByBaresip(t *testing.T) {
	c := newCenter(t, nil, nil)
	baresip(t, fmt.Sprintf("<sip:2001@%s;transport=udp>;auth_pass=one;regint=60", c.addr))
	eventually(t, "baresip registers", func() bool { return c.srv.cfg.Registrar.Reachable("2001") })
	b := c.srv.cfg.Registrar.Contacts("2001")
	must(t, c.srv.ping(within(t), &b[0]))
}
