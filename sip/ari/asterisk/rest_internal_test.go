package asterisk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEachStatusHasItsMeaning(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		do     func(ctx context.Context, c *Client) error
		want   error
	}{
		{"channel not in the application", 409, func(ctx context.Context, c *Client) error { return c.Answer(ctx, "c") }, ErrState},
		{"channel not up", 412, func(ctx context.Context, c *Client) error { return c.Answer(ctx, "c") }, ErrState},
		{"no channel", 404, func(ctx context.Context, c *Client) error { return c.Answer(ctx, "c") }, ErrNotFound},
		{"wrong password", 401, func(ctx context.Context, c *Client) error { return c.Answer(ctx, "c") }, ErrRefused},
		{"read-only user", 403, func(ctx context.Context, c *Client) error { return c.Answer(ctx, "c") }, ErrRefused},
		{"Asterisk not booted", 503, func(ctx context.Context, c *Client) error { return c.Answer(ctx, "c") }, ErrAway},
		{"channel to add gone", 400, func(ctx context.Context, c *Client) error { return c.AddChannel(ctx, "b", "c") }, ErrNotFound},
		{"bridge gone", 404, func(ctx context.Context, c *Client) error { return c.AddChannel(ctx, "b", "c") }, ErrNotFound},
		{"channel to add not in the application", 422, func(ctx context.Context, c *Client) error { return c.AddChannel(ctx, "b", "c") }, ErrState},
		{"no such source", 422, func(ctx context.Context, c *Client) error { return c.Subscribe(ctx, "endpoint:PJSIP/x") }, ErrNotFound},
		{"another technology", 422, func(ctx context.Context, c *Client) error { return c.Redirect(ctx, "c", "PJSIP/x") }, ErrState},
		{"no RTP", 403, func(ctx context.Context, c *Client) error { _, err := c.RTPStats(ctx, "c"); return err }, ErrState},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				cl := p.client(nil)
				p.answers(says(c.status, `{"message":"Asterisk's own words"}`))
				err := c.do(t.Context(), cl)
				wantError(t, err, c.want)
				s, ok := errors.AsType[*StatusError](err)
				if !ok || s.Status != c.status || s.Message != "Asterisk's own words" || s.Node != "pbx1" {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestEndingWhatIsGoneIsNoError(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, c *Client) error{
		"StopRing":      func(ctx context.Context, c *Client) error { return c.StopRing(ctx, "c") },
		"Hangup":        func(ctx context.Context, c *Client) error { return c.Hangup(ctx, "c", 16, "") },
		"StopPlayback":  func(ctx context.Context, c *Client) error { return c.StopPlayback(ctx, "p") },
		"StopMOH":       func(ctx context.Context, c *Client) error { return c.StopMOH(ctx, "c") },
		"Unmute":        func(ctx context.Context, c *Client) error { return c.Unmute(ctx, "c", "in") },
		"StopSilence":   func(ctx context.Context, c *Client) error { return c.StopSilence(ctx, "c") },
		"StopRecording": func(ctx context.Context, c *Client) error { return c.StopRecording(ctx, "r") },
		"DeleteStored":  func(ctx context.Context, c *Client) error { return c.DeleteStored(ctx, "r") },
		"RemoveChannel": func(ctx context.Context, c *Client) error { return c.RemoveChannel(ctx, "b", "c") },
		"DestroyBridge": func(ctx context.Context, c *Client) error { return c.DestroyBridge(ctx, "b") },
		"StopBridgeMOH": func(ctx context.Context, c *Client) error { return c.StopBridgeMOH(ctx, "b") },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				c := p.client(nil)
				p.answers(says(http.StatusNotFound, `{"message":"gone"}`))
				if err := end(t.Context(), c); err != nil {
					t.Error(err)
				}
				p.answers(says(http.StatusUnauthorized, `{}`))
				wantError(t, end(t.Context(), c), ErrRefused)
			})
		})
	}
}

func TestBridgeThatIsEndingNeedsNotBeEnded(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.answers(says(http.StatusConflict, `{"message":"Bridge not in Stasis application"}`))
		for _, err := range []error{
			c.DestroyBridge(t.Context(), "b"), c.RemoveChannel(t.Context(), "b", "c1", "c2"), c.StopBridgeMOH(t.Context(), "b"),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		wantError(t, c.AddChannel(t.Context(), "b", "c"), ErrState)
	})
}

func TestWhatIsNotInABridgeNeedsNotBeTakenOut(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.answers(says(http.StatusUnprocessableEntity, `{"message":"Channel not in this bridge"}`))
		if err := c.RemoveChannel(t.Context(), "b", "c"); err != nil {
			t.Error(err)
		}
		p.answers(func(w http.ResponseWriter, r *http.Request) { // one of three is gone: Asterisk takes none out
			list, _ := p.last().body["channel"].([]any)
			if len(list) > 1 {
				says(http.StatusBadRequest, `{"message":"Channel not found"}`)(w, r)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		p.forget()
		if err := c.RemoveChannel(t.Context(), "b", "c1", "c2", "c3"); err != nil {
			t.Error(err)
		}
		if len(p.all()) != 4 {
			t.Errorf("%d requests, want one for all and one for each", len(p.all()))
		}
	})
}

func TestNoAnswerIsAway(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"cut":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut in the answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `[{"id":`)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				c := p.client(nil)
				p.answers(answer)
				began := time.Now()
				_, err := c.Channels(t.Context())
				wantError(t, err, ErrAway)
				if took := time.Since(began); took > c.cfg.Timeout {
					t.Errorf("took %v", took)
				}
				p.noSecret(err.Error())
			})
		})
	}
	t.Run("refused", func(t *testing.T) {
		bubble(t, func(t *testing.T, p *pbx) {
			c := p.client(nil)
			p.refuse(true)
			err := c.Ping(t.Context())
			wantError(t, err, ErrAway)
			p.noSecret(err.Error())
		})
	})
}

func TestWhoGivesUpIsToldTheReason(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		hangup := errors.New("the caller hung up")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(hangup) })
		err := c.Answer(ctx, "c")
		wantError(t, err, hangup)
		if errors.Is(err, ErrAway) {
			t.Errorf("%v: Asterisk is not away", err)
		}
		short, cancelShort := context.WithTimeout(t.Context(), time.Second)
		defer cancelShort()
		wantError(t, c.Answer(short, "c"), ErrAway)
	})
}

func TestTextTravelsAsItIs(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		text := "a+b c&d=e,f/g%20h\"i\\j;k|ü€😀\n${SHELL(id)}" + strings.Repeat("x", 9000)
		if err := c.SetVariable(t.Context(), "a/b+c d%2F?#ü", "CALLERID(name)", text); err != nil {
			t.Fatal(err)
		}
		want := []request{{
			method: "POST", path: "/channels/a%2Fb%2Bc%20d%252F%3F%23%C3%BC/variable",
			body: map[string]any{"variable": "CALLERID(name)", "value": text}, authorised: true,
		}}
		if diff := cmp.Diff(want, p.all(), cmp.AllowUnexported(request{})); diff != "" {
			t.Error(diff)
		}
		media := []string{"sound:http://host/a,b.wav", "tone:ring;tonezone=us"}
		p.answers(says(http.StatusCreated, `{"id":"p"}`))
		if _, err := c.Play(t.Context(), "c", "p", media...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]any{"media": []any{media[0], media[1]}}, p.all()[1].body); diff != "" {
			t.Error(diff)
		}
	})
}

func TestIdsThatWouldBeAnotherPathAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		for _, id := range []string{"", ".", ".."} {
			if err := c.Hangup(t.Context(), id, 16, ""); err == nil {
				t.Errorf("id %q is taken", id)
			}
		}
		for _, name := range []string{"", ".", "../x", "a/../../x", "/etc/x", "a//b"} {
			if _, err := c.RecordChannel(t.Context(), "c", Record{Name: name, Format: "ulaw"}); err == nil {
				t.Errorf("recording %q is taken", name)
			}
		}
		if got := p.requests(); got != nil {
			t.Errorf("sent %v", got)
		}
	})
}

func TestAsterisksWordsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.answers(says(http.StatusBadRequest, `{"message":"`+strings.Repeat("ü", 5000)+`"}`))
		if s, ok := errors.AsType[*StatusError](c.Ping(t.Context())); !ok || len(s.Message) > messageLimit {
			t.Errorf("%+v", s)
		}
		p.answers(says(http.StatusBadGateway, "<html>"+strings.Repeat("x", 5000)))
		if s, ok := errors.AsType[*StatusError](c.Ping(t.Context())); !ok || s.Message != "Bad Gateway" {
			t.Errorf("%+v", s)
		}
	})
}

func TestAnswerThatIsNotAsterisksIsAnError(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.answers(says(http.StatusOK, "<html>Welcome</html>"))
		if _, err := c.Channels(t.Context()); err == nil || errors.Is(err, ErrAway) {
			t.Errorf("error %v", err)
		}
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.answers(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere/"+r.URL.Path, http.StatusTemporaryRedirect)
		})
		if s, ok := errors.AsType[*StatusError](c.Ping(t.Context())); !ok || s.Status != http.StatusTemporaryRedirect {
			t.Errorf("%+v", s)
		}
		if len(p.all()) != 1 {
			t.Errorf("%d requests", len(p.all()))
		}
	})
}

func TestConnectionsAreKeptAndBounded(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		p.answers(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Millisecond)
			w.WriteHeader(http.StatusNoContent)
		})
		for range 3 { // three bursts with a pause between
			var wg sync.WaitGroup
			for i := range 500 {
				wg.Go(func() {
					for range 2 {
						if err := c.Answer(t.Context(), fmt.Sprint("c", i)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			time.Sleep(time.Second)
		}
		if p.dialled() > c.cfg.MaxConns {
			t.Errorf("%d connections for 3000 operations of 500 calls, want at most %d", p.dialled(), c.cfg.MaxConns)
		}
		many := p.dialled()
		time.Sleep(14 * time.Second) // Asterisk closes after 15
		if err := c.Answer(t.Context(), "c"); err != nil {
			t.Error(err)
		}
		if p.dialled() != many+1 {
			t.Error("an operation was sent on a connection that Asterisk is about to close")
		}
	})
}

func TestCauseOfAHangupIsQ850OrAReason(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		for _, h := range []struct {
			q850   int
			reason string
			want   string
		}{{17, "", "reason_code=17"}, {21, "busy", "reason_code=21"}, {0, "congestion", "reason=congestion"}, {0, "", ""}} {
			if err := c.Hangup(t.Context(), "c", h.q850, h.reason); err != nil {
				t.Fatal(err)
			}
			if got := p.last().query; got != h.want {
				t.Errorf("%d %q: %q, want %q", h.q850, h.reason, got, h.want)
			}
		}
	})
}

func TestShortTimesDoNotBecomeNone(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		if err := c.Dial(t.Context(), "c", "", 1500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if got := p.all()[0].body["timeout"]; got != 2.0 {
			t.Errorf("timeout %v s, want 2", got)
		}
	})
}

func TestNewerOperationsSayWhenAsteriskLacksThem(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(ctx context.Context, c *Client) error
		path  string
		docs  string
		there string
	}{
		"transfer progress": {
			func(ctx context.Context, c *Client) error { return c.TransferProgress(ctx, "c", "channel_answered") },
			"/channels/c/transfer_progress", "GET /api-docs/channels.json", "/channels/{channelId}/transfer_progress",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pbx) {
				cl := p.client(nil)
				p.answers(byPath(map[string]http.HandlerFunc{c.docs: says(200, `{"apis":[{"path":"/x"}]}`)}))
				wantError(t, c.do(t.Context(), cl), ErrUnsupported)
				p.answers(byPath(map[string]http.HandlerFunc{c.docs: says(200, fmt.Sprintf(`{"apis":[{"path":%q}]}`, c.there))}))
				wantError(t, c.do(t.Context(), cl), ErrNotFound)
				p.answers(nil)
				if err := c.do(t.Context(), cl); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestReplacementCannotBeWithheld(t *testing.T) {
	bubble(t, func(t *testing.T, p *pbx) {
		c := p.client(nil)
		if err := c.Withhold(t.Context(), "ChannelVarset", "ApplicationReplaced"); err == nil {
			t.Error("without that event nobody learns that somebody else acts")
		}
		if err := c.Withhold(t.Context(), "ChannelVarset"); err != nil {
			t.Error(err)
		}
	})
}

func TestConfigNamesAllFaultsAndNoPassword(t *testing.T) {
	err := Config{URL: "ftp://pbx/ari", User: "a:b", Password: password, Application: "a,b", Ping: -1, MaxConns: -1}.Validate()
	for _, want := range []string{"ftp://pbx/ari", `"a:b"`, `"a,b"`, "ping", "limit"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not speak of %s", err, want)
		}
	}
	for _, address := range []string{"http://u:" + password + "@pbx/ari", "http://u:" + password + "@pbx/%zz"} {
		_, err := New(Config{URL: address, User: "u", Password: password, Application: "a"})
		if err == nil || strings.Contains(err.Error(), "Geheim") {
			t.Errorf("error %v", err)
		}
	}
}
