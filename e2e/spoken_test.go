//go:build e2e

package e2e

import (
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip"
	"firstline/sip/media"
)

// ear keeps what a phone hears of one call.
type ear struct {
	mu    sync.Mutex // guards heard
	heard []int16
}

func earOf(c *sip.PhoneCall) *ear {
	e := &ear{}
	c.Hear(func(samples []int16, _ uint32) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, samples...)
	})
	return e
}

// tone is for how long a frequency was heard until now.
func (e *ear) tone(freq float64) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return media.Heard(e.heard, freq, 0.05)
}

func TestAPromptSpokenIntoAPhoneIsHeardByTheNextCallerAndAfterAKill(t *testing.T) {
	t.Parallel()
	const pin = "86421357"
	s := serve(t, setting{})
	s.api.change(http.MethodPut, "/api/v1/agents/2010/pin", map[string]string{"pin": pin}, http.StatusNoContent)
	s.api.post("/api/v1/incidents", map[string]any{"title": "mail is down", "queue": "service-desk"}, nil, 200)
	phones := newPhones(s)
	desk := phones.keep("2005", s.creds.Devices["2005"], nil)
	stranger := phones.keep("stranger", "", nil)
	ctx := t.Context()
	folder := filepath.Join(s.dir, "var", "prompts")

	must(t, desk.Register(ctx)) // our own phone
	c, err := desk.Dial(ctx, "*15", nil)
	must(t, err)
	must(t, call.AwaitAnswer(ctx, c, nil))
	said := earOf(c)
	must(t, c.SendDTMF(ctx, "2010#"+pin+"#"))
	eventually(t, "it records", func() bool { return len(globbed(t, folder, "*.recording")) == 1 })
	c.Loop(media.Tone(time.Second, messageTone))
	spell(ctx, 3*time.Second)
	must(t, c.SendDTMF(ctx, "#"))
	c.Loop(nil)
	eventually(t, "it is played back", func() bool { return said.tone(messageTone) > time.Second })
	must(t, c.SendDTMF(ctx, "1"))
	<-c.Context().Done()

	hears := func() {
		t.Helper()
		c, err := stranger.DialFrom(ctx, "+15550101301", "1009", nil)
		must(t, err)
		heard := earOf(c)
		must(t, call.AwaitAnswer(ctx, c, nil))
		eventually(t, "the next caller hears it", func() bool { return heard.tone(messageTone) > 2*time.Second })
		bye(c)
	}
	hears()
	s.kill()
	s.up()
	hears()
	if wav, left := globbed(t, folder, "*.wav"), globbed(t, folder, "*"); len(wav) != 1 || len(left) != 1 {
		t.Errorf("in the folder: %v", left)
	}
	var list struct {
		Prompts []struct {
			Heard    bool `json:"heard"`
			Recorded struct {
				By string `json:"by"`
			} `json:"recorded"`
			Seconds float64 `json:"seconds"`
		} `json:"prompts"`
	}
	s.api.get("/api/v1/prompts", &list)
	if len(list.Prompts) != 1 || !list.Prompts[0].Heard || list.Prompts[0].Recorded.By != "agent:2010" || list.Prompts[0].Seconds < 2 {
		t.Errorf("%+v", list.Prompts)
	}
	promises(t, s)
}

func globbed(t *testing.T, folder, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, pattern))
	must(t, err)
	return all
}
