package asterisk

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSocketOnWhichNoEventsComeIsNoConnection(t *testing.T) {
	for name, deafen := range map[string]func(p *pbx){
		"Asterisk knows of no application": func(p *pbx) {
			p.deaf = true
			p.answers(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Upgrade") != "" {
					p.upgrade(w, r)
					return
				}
				says(http.StatusNotFound, `{"message":"Application not found"}`)(w, r)
			})
		},
		"the event does not come back": func(p *pbx) { p.deaf = true },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				h := newEar()
				deafen(p)
				p.run(p.client(nil), h)
				time.Sleep(time.Minute)
				if len(h.up) > 0 || len(p.sockets) < 2 {
					t.Errorf("said to be connected %d times, sockets opened: %d", len(h.up), len(p.sockets))
				}
				p.hearAgain()
				<-h.up
				if len(h.down) > 0 {
					t.Error("the end was said of a connection of which the beginning was not")
				}
			})
		})
	}
}

func TestSocketThatGoesDeafIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		p.run(p.client(nil), h)
		<-h.up
		time.Sleep(time.Hour)
		if len(h.down) > 0 {
			t.Fatalf("ended by itself: %v", <-h.down)
		}
		p.mu.Lock()
		p.deaf = true
		p.mu.Unlock()
		deaf := time.Now()
		wantError(t, <-h.down, errDeaf)
		if took := time.Since(deaf); took > 20*time.Second {
			t.Errorf("found after %v", took)
		}
		p.hearAgain()
		<-h.up
		if got := h.heard(); got != nil {
			t.Errorf("events of the client's own were handed over: %v", got)
		}
	})
}

func TestUserEventsOfOthersAreHandedOver(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		h := newEar()
		p.run(p.client(nil), h)
		p.send(<-p.sockets, `{"type":"ChannelUserevent","eventname":"other","userevent":{"x":"\"ARIClientBeat\""}}`,
			`{"type":"ChannelVarset","variable":"x","value":"ARIClientBeat"}`)
		synctest.Wait()
		if diff := cmp.Diff([]string{"ChannelUserevent", "ChannelVarset"}, h.heard()); diff != "" {
			t.Error(diff)
		}
	})
}
