package asterisk

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const channelOfOurs = `{"id":"leg","name":"PJSIP/a-1","state":"Down","dialplan":{"app_name":"Stasis","app_data":"firstline,x"}}`

func TestChannelThatIsThereAlreadyIsReturned(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		status int
		do     func(t *testing.T, c *Client) (Channel, error)
	}{
		"created": {"POST /channels/create", http.StatusConflict, func(t *testing.T, c *Client) (Channel, error) {
			return c.Create(t.Context(), Create{ID: "leg", Endpoint: "PJSIP/a"})
		}},
		"snoop": {"POST /channels/c/snoop/leg", http.StatusInternalServerError, func(t *testing.T, c *Client) (Channel, error) {
			return c.Snoop(t.Context(), "c", "leg", "in", "none", "")
		}},
		"external": {"POST /channels/externalMedia", http.StatusInternalServerError, func(t *testing.T, c *Client) (Channel, error) {
			return c.ExternalMedia(t.Context(), External{ID: "leg", Host: "h:1", Format: "ulaw"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				cl := p.client(nil)
				no := says(c.status, `{"message":"no"}`)
				p.answers(byPath(map[string]http.HandlerFunc{
					c.path: no, "GET /channels/leg": says(200, channelOfOurs), "POST /channels/leg/variable": says(200, `{}`),
				}))
				if ch, err := c.do(t, cl); err != nil || ch.ID != "leg" {
					t.Errorf("%+v, %v", ch, err)
				}
				foreign := strings.Replace(channelOfOurs, "firstline", "other", 1)
				p.answers(byPath(map[string]http.HandlerFunc{c.path: no, "GET /channels/leg": says(200, foreign)}))
				_, err := c.do(t, cl)
				wantError(t, err, ErrConflict)
				p.answers(byPath(map[string]http.HandlerFunc{c.path: no}))
				if _, err := c.do(t, cl); err == nil {
					t.Error("what could not be made and is not there is no success")
				}
			})
		})
	}
}

func TestEndpointThatIsNotThereIsUnreachable(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.answers(byPath(map[string]http.HandlerFunc{"POST /channels/create": says(500, `{"error":"Allocation failed"}`)}))
		_, err := c.Create(t.Context(), Create{ID: "leg", Endpoint: "PJSIP/nobody"})
		wantError(t, err, ErrUnreachable)
	})
}

func TestBridgeThatIsThereAlreadyIsReturned(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.answers(byPath(map[string]http.HandlerFunc{
			"POST /bridges/b": says(409, `{}`), "GET /bridges/b": says(200, `{"id":"b","channels":["c"]}`),
		}))
		if b, err := c.CreateBridge(t.Context(), "b", "mixing", ""); err != nil || len(b.Channels) != 1 {
			t.Errorf("%+v, %v", b, err)
		}
		p.answers(byPath(map[string]http.HandlerFunc{"POST /bridges/b": says(409, `{}`)}))
		_, err := c.CreateBridge(t.Context(), "b", "mixing", "")
		wantError(t, err, ErrConflict)
	})
}

func TestRecordingThatRunsAlreadyIsReturnedOnlyWhenItIsTheSame(t *testing.T) {
	record := "POST /channels/c/record"
	for name, c := range map[string]struct {
		routes map[string]http.HandlerFunc
		want   error
	}{
		"the same":             {map[string]http.HandlerFunc{"GET /recordings/live/r": says(200, `{"name":"r","target_uri":"channel:c"}`)}, nil},
		"of another channel":   {map[string]http.HandlerFunc{"GET /recordings/live/r": says(200, `{"name":"r","target_uri":"channel:d"}`)}, ErrConflict},
		"finished":             {map[string]http.HandlerFunc{"GET /recordings/stored/r": says(200, `{"name":"r"}`)}, ErrConflict},
		"channel not with us":  {nil, ErrState},
		"no answer to a look":  {map[string]http.HandlerFunc{"GET /recordings/live/r": says(503, `{}`)}, ErrAway},
		"no answer to another": {map[string]http.HandlerFunc{"GET /recordings/stored/r": says(503, `{}`)}, ErrAway},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				cl := p.client(nil)
				routes := map[string]http.HandlerFunc{record: says(409, `{"message":"exists"}`)}
				maps.Copy(routes, c.routes)
				p.answers(byPath(routes))
				r, err := cl.RecordChannel(t.Context(), "c", Record{Name: "r", Format: "ulaw"})
				if !errors.Is(err, c.want) || err == nil && r.Name != "r" {
					t.Errorf("%+v, %v, want %v", r, err, c.want)
				}
			})
		})
	}
}

func TestNewChannelIsReturnedWhenItTakesCommands(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		do   func(t *testing.T, c *Client) (Channel, error)
	}{
		"created": {"POST /channels/create", func(t *testing.T, c *Client) (Channel, error) {
			return c.Create(t.Context(), Create{ID: "leg", Endpoint: "PJSIP/a"})
		}},
		"snoop": {"POST /channels/c/snoop/leg", func(t *testing.T, c *Client) (Channel, error) {
			return c.Snoop(t.Context(), "c", "leg", "in", "none", "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				cl := p.client(nil)
				began := time.Now()
				p.answers(byPath(map[string]http.HandlerFunc{
					c.path: says(200, `{"id":"leg"}`),
					"POST /channels/leg/variable": func(w http.ResponseWriter, r *http.Request) {
						switch age := time.Since(began); {
						case age < 100*time.Millisecond:
							says(404, `{"message":"Channel not found"}`)(w, r)
						case age < 2*time.Second:
							says(409, `{"message":"Channel not in Stasis application"}`)(w, r)
						default:
							says(200, `{"value":"leg"}`)(w, r)
						}
					},
				}))
				if ch, err := c.do(t, cl); err != nil || ch.ID != "leg" {
					t.Errorf("%+v, %v", ch, err)
				}
				if took := time.Since(began); took < 2*time.Second {
					t.Errorf("returned after %v", took)
				}
				if n := len(p.all()); n > 15 {
					t.Errorf("asked %d times", n)
				}
			})
		})
	}
}

func TestNewChannelThatNeverTakesCommandsIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		look http.HandlerFunc
		want error
	}{
		"ended at once": {says(404, `{}`), ErrNotFound},
		"never comes":   {says(409, `{}`), ErrState},
		"no answer":     {says(503, `{}`), ErrAway},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				cl := p.client(nil)
				p.answers(byPath(map[string]http.HandlerFunc{
					"POST /channels/create": says(200, `{"id":"leg"}`), "POST /channels/leg/variable": c.look,
				}))
				began := time.Now()
				_, err := cl.Create(t.Context(), Create{ID: "leg", Endpoint: "PJSIP/a"})
				wantError(t, err, c.want)
				if took := time.Since(began); took > cl.cfg.Timeout {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestDialledChannelIsNotDialledAgain(t *testing.T) {
	for name, ch := range map[string]struct {
		channel http.HandlerFunc
		want    error
	}{
		"never dialled":    {says(200, channelOfOurs), ErrState},
		"gone":             {says(404, `{}`), ErrNotFound},
		"of another's":     {says(200, strings.Replace(channelOfOurs, "firstline", "other", 1)), ErrState},
		"another's rings":  {says(200, strings.NewReplacer("firstline", "other", "Down", "Ringing").Replace(channelOfOurs)), ErrState},
		"dialled long ago": {says(200, strings.Replace(channelOfOurs, "Down", "Ringing", 1)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				c := p.client(nil)
				p.answers(byPath(map[string]http.HandlerFunc{
					"GET /channels/leg": ch.channel, "POST /channels/leg/dial": says(409, `{}`),
				}))
				if err := c.Dial(t.Context(), "leg", "", 0); !errors.Is(err, ch.want) {
					t.Errorf("error %v, want %v", err, ch.want)
				}
			})
		})
	}
}

// silent does an operation and loses its answer.
func silent(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if do != nil {
			do(w, r)
		}
		panic(http.ErrAbortHandler)
	}
}

func TestPlaybackWhoseAnswerWasLostIsNotBegunTwice(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		play := func() error { _, err := c.Play(t.Context(), "c", "p", "sound:x"); return err }
		p.answers(byPath(map[string]http.HandlerFunc{"POST /channels/c/play/p": silent(nil)}))
		wantError(t, play(), ErrAway)
		p.answers(byPath(map[string]http.HandlerFunc{"GET /playbacks/p": says(200, `{"id":"p"}`)}))
		if err := play(); err != nil {
			t.Error(err)
		}
		if n := count(p.requests(), "POST /channels/c/play/p"); n != 1 {
			t.Errorf("begun %d times", n)
		}
		p.answers(byPath(map[string]http.HandlerFunc{"POST /channels/c/play/p": silent(nil)}))
		wantError(t, play(), ErrAway)
		p.answers(byPath(map[string]http.HandlerFunc{"POST /channels/c/play/p": says(201, `{"id":"p"}`)}))
		if err := play(); err != nil { // it is not there, so it is begun
			t.Error(err)
		}
	})
}

func TestChannelWhoseAddingWasNotAnsweredDoesNotLeaveTheBridgeAgain(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		add := "POST /bridges/b/addChannel"
		p.answers(byPath(map[string]http.HandlerFunc{add: silent(nil)}))
		wantError(t, c.AddChannel(t.Context(), "b", "c1", "c2"), ErrAway)
		p.answers(byPath(map[string]http.HandlerFunc{
			"GET /bridges/b": says(200, `{"id":"b","channels":["c1"]}`), add: silent(nil),
		}))
		wantError(t, c.AddChannel(t.Context(), "b", "c1", "c2"), ErrAway)
		if got := fmt.Sprint(p.last().body["channel"]); got != "[c2]" {
			t.Errorf("added again: %s", got)
		}
		p.answers(byPath(map[string]http.HandlerFunc{"GET /bridges/b": says(200, `{"id":"b","channels":["c1","c2"]}`)}))
		if err := c.AddChannel(t.Context(), "b", "c1", "c2"); err != nil {
			t.Error(err)
		}
		p.answers(nil) // all is known: no more looks
		p.forget()
		if err := c.AddChannel(t.Context(), "b", "c1", "c2"); err != nil || !slices.Equal(p.requests(), []string{add}) {
			t.Errorf("%v, %v", p.requests(), err)
		}
	})
}

func TestWhatIsUnsureIsForgottenInTime(t *testing.T) {
	u := newUnsure()
	at := time.Now()
	for i := range 3 * unsureMax {
		u.note(at.Add(time.Duration(i)*time.Millisecond), fmt.Sprint(i), ErrAway)
	}
	if len(u.since) > unsureMax {
		t.Errorf("%d operations are remembered", len(u.since))
	}
	for i := range unsureMax {
		u.note(at.Add(time.Hour), fmt.Sprint("later ", i), ErrAway)
	}
	if !u.has("later 0") || u.has(fmt.Sprint(3*unsureMax-1)) {
		t.Error("what is old is forgotten last")
	}
	u.note(at, "x", ErrAway)
	u.note(at, "x", &StatusError{Status: 409})
	if u.has("x") {
		t.Error("an answer settles it")
	}
}

func TestStoredFileComesWholeOrNotAtAll(t *testing.T) {
	whole := strings.Repeat("0123456789", 10000)
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		get := func() (string, error) {
			var b strings.Builder
			n, err := c.StoredFile(t.Context(), "a/b", &b)
			if n != int64(b.Len()) {
				t.Errorf("%d bytes said, %d came", n, b.Len())
			}
			return b.String(), err
		}
		send := func(upTo int, each time.Duration, end func()) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
				for i := 0; i < upTo; i += 10000 {
					_, _ = w.Write([]byte(whole[i:min(i+10000, upTo)]))
					_ = http.NewResponseController(w).Flush()
					time.Sleep(each)
				}
				end()
			}
		}
		over := make(chan struct{})
		defer func() { close(over); synctest.Wait() }()
		p.answers(send(len(whole), 4*time.Second, func() {}))
		if got, err := get(); err != nil || got != whole {
			t.Errorf("a slow one: %d bytes, %v", len(got), err)
		}
		p.answers(send(50000, 0, func() { panic(http.ErrAbortHandler) }))
		_, err := get()
		wantError(t, err, ErrAway)
		p.answers(send(50000, 0, func() { <-over }))
		_, err = get()
		wantError(t, err, ErrAway)
		p.answers(says(404, `{}`))
		_, err = get()
		wantError(t, err, ErrNotFound)
		p.answers(send(len(whole), 0, func() {}))
		full := errors.New("disk full")
		_, err = c.StoredFile(t.Context(), "a/b", writer(func([]byte) (int, error) { return 0, full }))
		if !errors.Is(err, full) || errors.Is(err, ErrAway) {
			t.Errorf("error %v", err)
		}
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func count(all []string, one string) int {
	n := 0
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}
