package asterisk

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

func TestEventsAreHandedOverInOrderAndAfterConnected(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		reconciled := make(chan struct{})
		h.hold = func() { <-reconciled }
		p.run(p.client(nil), h)
		p.send(<-p.sockets, digit("1"), digit("2"), digit("3"))
		synctest.Wait() // they have come, and Connected runs still
		if got := h.heard(); got != nil {
			t.Errorf("handed over before Connected returned: %v", got)
		}
		close(reconciled)
		synctest.Wait()
		if diff := cmp.Diff([]string{"1", "2", "3"}, h.heard()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUserAndPasswordTravelInTheHeader(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.run(c, newEar())
		<-p.sockets
		if err := c.Answer(t.Context(), "c1"); err != nil {
			t.Fatal(err)
		}
		for _, r := range p.all() {
			if !r.authorised {
				t.Errorf("%s %s without user and password", r.method, r.path)
			}
		}
		if p.all()[0].query != "app=firstline" {
			t.Errorf("the event socket asked for %q", p.all()[0].query)
		}
		p.noSecret()
	})
}

func TestSilentlyCutSocketIsFoundWithinTwentySeconds(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		c := p.client(nil)
		p.run(c, h)
		ws := <-p.sockets
		live := <-h.up
		time.Sleep(10 * time.Minute) // pings are answered
		p.send(ws, digit("1"))
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.freeze()
		cut := time.Now()
		err := <-h.down
		wantError(t, err, ErrAway)
		if err := c.Ping(t.Context()); err != nil {
			t.Errorf("an operation took a connection that was cut with the socket: %v", err)
		}
		if took := time.Since(cut); took > 20*time.Second {
			t.Errorf("found after %v", took)
		}
		if live.Err() == nil {
			t.Error("the connection's context goes on")
		}
		<-p.sockets
		<-h.up // and there is a new one
		if got := h.heard(); !slices.Equal(got, []string{"1"}) {
			t.Errorf("heard %v", got)
		}
	})
}

func TestOperationWithoutAnswerHasTheSocketLookedAtAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		c := p.client(func(cfg *Config) { cfg.Ping = time.Hour })
		p.run(c, h)
		<-p.sockets
		<-h.up
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.freeze()
		began := time.Now()
		wantError(t, c.Ping(t.Context()), ErrAway)
		if err := c.Ping(t.Context()); err != nil {
			t.Errorf("the next operation took a connection that was cut with it: %v", err)
		}
		wantError(t, <-h.down, ErrAway)
		if took := time.Since(began); took > c.cfg.Timeout+c.cfg.Pong {
			t.Errorf("found after %v", took)
		}
	})
}

func TestLostAnswerOfOneOperationDoesNotEndALivingSocket(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		c := p.client(nil)
		p.run(c, h)
		ws := <-p.sockets
		p.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		wantError(t, c.Answer(t.Context(), "c1"), ErrAway)
		p.send(ws, digit("1"))
		time.Sleep(time.Minute)
		if got := h.heard(); !slices.Equal(got, []string{"1"}) || len(h.down) > 0 {
			t.Errorf("heard %v, ended %d times", got, len(h.down))
		}
	})
}

func TestSocketCutInTheMiddleOfAFrameDropsThatFrameAlone(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		raws := make(chan net.Conn, 1)
		p.answers(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") != "" {
				raws <- p.upgradeByHand(w, r)
				return
			}
			p.answers(nil) // the next connection is a whole one
			id, _ := p.last().body["variables"].(map[string]any)["beat"].(string)
			raw, half := <-raws, frame(digit("1"))
			_, _ = raw.Write(slices.Concat(frame(beatEvent(id)), frame(digit("1")), half[:len(half)/2]))
			w.WriteHeader(http.StatusNoContent)
			raws <- raw
		})
		p.run(p.client(nil), h)
		synctest.Wait() // connected: a cut before that is none of a connection
		(<-raws).Close()
		if err := <-h.down; err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("the connection ended with %v", err)
		}
		p.send(<-p.sockets, digit("2"))
		synctest.Wait()
		if diff := cmp.Diff([]string{"1", "2"}, h.heard()); diff != "" {
			t.Error(diff)
		}
		if len(h.up) != 2 {
			t.Errorf("connected %d times", len(h.up))
		}
	})
}

func TestWhoeverIsReplacedStopsAndDoesNotComeBack(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		c := p.client(nil)
		stop := p.run(c, h)
		other := `{"type":"ApplicationReplaced","application":"other"}`
		ours := `{"type":"ApplicationReplaced","application":"firstline","asterisk_id":"x"}`
		<-h.up
		dialled := p.dialled()
		p.send(<-p.sockets, other, digit("1"), ours)
		wantError(t, <-h.down, ErrReplaced)
		wantError(t, stop(), ErrReplaced)
		if diff := cmp.Diff([]string{"ApplicationReplaced", "1", "ApplicationReplaced"}, h.heard()); diff != "" {
			t.Error(diff)
		}
		wantError(t, c.Hangup(t.Context(), "c1", 16, ""), ErrReplaced)
		if got := p.requests(); got != nil {
			t.Errorf("it still did %v", got)
		}
		wantError(t, c.Run(t.Context(), h), ErrReplaced)
		if p.dialled() != dialled {
			t.Error("it connected again")
		}
	})
}

func TestAnAttemptOfOursThatComesLateIsNoOtherProcess(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		c := p.client(nil)
		p.answers(func(_ http.ResponseWriter, r *http.Request) {
			p.answers(nil)
			<-r.Context().Done() // given up: nothing passed in time
		})
		stop := p.run(c, h)
		<-h.up
		ours := `{"type":"ApplicationReplaced","application":"firstline"}`
		p.send(<-p.sockets, digit("1"), ours) // the network lets the first attempt through
		wantError(t, <-h.down, errGhost)
		<-h.up
		p.send(<-p.sockets, digit("2"), ours) // this was somebody else
		wantError(t, <-h.down, ErrReplaced)
		wantError(t, stop(), ErrReplaced)
		if diff := cmp.Diff([]string{"1", "2", "ApplicationReplaced"}, h.heard()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestReplacedStopsOperationsBeforeTheQueueIsWorkedOff(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		c := p.client(nil)
		slow := make(chan struct{})
		h.hold = func() { <-slow }
		p.run(c, h)
		<-h.up
		p.send(<-p.sockets, digit("1"), `{"type":"ApplicationReplaced","application":"firstline"}`)
		synctest.Wait()
		wantError(t, c.Hangup(t.Context(), "c1", 16, ""), ErrReplaced)
		close(slow)
	})
}

func TestOverflowEndsTheConnectionAndIsSaid(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		slow := make(chan struct{})
		h.each = func() { <-slow }
		c := p.client(func(cfg *Config) { cfg.QueueLen = 3 })
		p.run(c, h)
		ws := <-p.sockets
		<-h.up
		p.send(ws, digit("1"))
		synctest.Wait() // it is being handled
		p.send(ws, digit("2"), digit("3"), digit("4"), digit("5"))
		synctest.Wait()
		close(slow)
		wantError(t, <-h.down, ErrOverflow)
		if diff := cmp.Diff([]string{"1", "2", "3", "4"}, h.heard()); diff != "" {
			t.Error(diff)
		}
		p.send(<-p.sockets, digit("6"))
		synctest.Wait()
		if diff := cmp.Diff([]string{"6"}, h.heard()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBigEventsOverflowBySize(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		slow := make(chan struct{})
		h.hold = func() { <-slow }
		p.run(p.client(func(cfg *Config) { cfg.QueueBytes = 1 << 20 }), h)
		ws := <-p.sockets
		<-h.up
		big := digit(strings.Repeat("9", 600<<10))
		p.send(ws, big, big+" ")
		synctest.Wait()
		close(slow)
		wantError(t, <-h.down, ErrOverflow)
	})
}

func TestEventMayBeAsLargeAsTheLimitAndNotLarger(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		limit := 200 << 10
		p.run(p.client(func(cfg *Config) { cfg.FrameLimit = limit }), h)
		largest := digit(strings.Repeat("9", limit-len(digit(""))))
		ws := <-p.sockets
		<-h.up
		p.send(ws, largest)
		synctest.Wait()
		if got := h.heard(); len(got) != 1 {
			t.Fatalf("heard %d events", len(got))
		}
		_ = ws.Write(t.Context(), websocket.MessageText, []byte(largest+" "))
		if err := <-h.down; !errors.Is(err, websocket.ErrMessageTooBig) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestUnknownEventsArePassedOn(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		p.run(p.client(nil), h)
		news := `{"type":"ChannelFlew","timestamp":"2026-11-24T08:00:00.123+0000","wings":2}`
		p.send(<-p.sockets, news, `{"type":"StasisStart","args":7}`, `no JSON`)
		synctest.Wait()
		u, _ := (<-h.events).(Unknown)
		if u.Kind() != "ChannelFlew" || string(u.Raw) != news || u.Err != nil || u.When().IsZero() {
			t.Errorf("of a new type: %+v", u)
		}
		if u, _ := (<-h.events).(Unknown); u.Kind() != "StasisStart" || u.Err == nil {
			t.Errorf("of a known type that does not fit: %+v", u)
		}
		if u, _ := (<-h.events).(Unknown); string(u.Raw) != "no JSON" || u.Err == nil {
			t.Errorf("what is no event: %+v", u)
		}
		if n := p.logged.FilterMessage("event not understood").Len(); n != 2 {
			t.Errorf("%d log lines, want one for each that was not understood", n)
		}
	})
}

func TestSameEventToldTwiceIsHandedOverOnce(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		p.run(p.client(nil), h)
		later := strings.Replace(digit("1"), ".123", ".124", 1) // pressed again
		p.send(<-p.sockets, digit("1"), digit("2"), digit("1"), digit("2"), later)
		synctest.Wait()
		if diff := cmp.Diff([]string{"1", "2", "1"}, h.heard()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestClosedSocketIsOpenedAgainAndEachConnectionIsReported(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		stop := p.run(p.client(nil), h)
		for range 5 {
			ws := <-p.sockets
			live := <-h.up
			_ = ws.CloseNow()
			if err := <-h.down; err == nil {
				t.Error("the end is not said why")
			}
			if live.Err() == nil {
				t.Error("the connection's context goes on")
			}
		}
		<-h.up
		if err := stop(); err != nil {
			t.Errorf("Run ended with %v", err)
		}
		wantError(t, <-h.down, context.Canceled)
	})
}

func TestAttemptsToConnectBecomeRareButNotWhileAsteriskStarts(t *testing.T) {
	for _, c := range []struct {
		name        string
		broken      func(p *pbx)
		least, most int // attempts in ten minutes
	}{
		{"connections refused", func(p *pbx) { p.refuse(true) }, 600, 1000},
		{"not booted", func(p *pbx) { p.answers(says(http.StatusServiceUnavailable, `{"message":"Asterisk not booted"}`)) }, 60, 200},
		{"wrong password", func(p *pbx) { p.answers(says(http.StatusUnauthorized, `{"error":"Unauthorized"}`)) }, 60, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				c.broken(p)
				h := newEar()
				p.run(p.client(nil), h)
				time.Sleep(10 * time.Minute)
				down := p.logged.FilterMessage("event socket down")
				if n := down.Len(); n < c.least || n > c.most {
					t.Errorf("%d attempts, want %d to %d", n, c.least, c.most)
				}
				if n := down.FilterLevelExact(zap.WarnLevel).Len(); n < 10 || n > 21 {
					t.Errorf("said %d times in ten minutes, want once and every 30 s or so", n)
				}
				if h.failed.Load() == nil {
					t.Error("the handler is not told")
				}
				p.noSecret()
			})
		})
	}
}

func TestComesBackWithinTwoSecondsOfAsterisksStart(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		p.refuse(true)
		p.run(p.client(nil), h)
		time.Sleep(time.Hour)
		p.refuse(false)
		up := time.Now()
		<-h.up
		if took := time.Since(up); took > 2*time.Second {
			t.Errorf("connected after %v", took)
		}
	})
}

func TestAfterAGoodConnectionTheNextIsTriedSoon(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		p.run(p.client(nil), h)
		<-h.up
		for range 20 {
			time.Sleep(time.Minute)
			_ = (<-p.sockets).CloseNow()
			cut := time.Now()
			<-h.up
			if took := time.Since(cut); took > time.Second {
				t.Fatalf("connected again after %v", took)
			}
		}
	})
}

func TestCutTakesTheConnectionsOfOperationsWithIt(t *testing.T) {
	for name, found := range map[string]struct {
		ping time.Duration
		by   func(t *testing.T, c *Client, h *ear)
	}{
		"found by the socket":   {time.Second, func(t *testing.T, _ *Client, h *ear) { wantError(t, <-h.down, ErrAway) }},
		"found by an operation": {time.Hour, func(t *testing.T, c *Client, _ *ear) { wantError(t, c.Ping(t.Context()), ErrAway) }},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				h := newEar()
				c := p.client(func(cfg *Config) { cfg.Ping = found.ping })
				p.answers(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Upgrade") != "" {
						p.upgrade(w, r)
						return
					}
					time.Sleep(time.Millisecond) // so that ten at a time take ten connections
				})
				p.run(c, h)
				<-h.up
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() { _ = c.Ping(t.Context()) })
				}
				wg.Wait()
				p.freeze()
				found.by(t, c, h)
				if err := c.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestRunReadsOnceAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		c := p.client(nil)
		stop := p.run(c, h)
		<-h.up
		if err := c.Run(t.Context(), h); err == nil {
			t.Error("a second Run would take the application over from the first")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestRunEndsThoughAsteriskIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		stop := p.run(p.client(nil), h)
		<-h.up
		p.freeze()
		began := time.Now()
		if err := stop(); err != nil || time.Since(began) > time.Second {
			t.Errorf("ended after %v with %v", time.Since(began), err)
		}
	})
}
