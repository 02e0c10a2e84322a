//go:build e2e || load

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// api asks a server as any program would: the shapes here are the test's own,
// written from /openapi.json, so that they hold the server to it.
type api struct {
	t     *testing.T
	base  string
	token string
	http  *http.Client
}

func newAPI(t *testing.T, c credentials) *api {
	return &api{t: t, base: c.HTTP, token: c.APIToken, http: &http.Client{Timeout: 20 * time.Second}}
}

type callRecord struct {
	ID     string `json:"id"`
	Ticket string `json:"ticket"`
	From   struct {
		Number string `json:"number"`
	} `json:"from"`
	Out        bool      `json:"out"`
	Arrived    time.Time `json:"arrived"`
	Open       bool      `json:"open"`
	State      string    `json:"state"`
	Outcome    string    `json:"outcome"`
	Restored   bool      `json:"restored"`
	Queue      string    `json:"queue"`
	Agent      string    `json:"agent"`
	WaitMs     int64     `json:"wait_ms"`
	HoldMs     int64     `json:"hold_ms"`
	TalkMs     int64     `json:"talk_ms"`
	Path       []step    `json:"path"`
	Entries    []entry   `json:"entries"`
	Talks      []talk    `json:"talks"`
	Recordings []string  `json:"recordings"`
	Cause      struct {
		Reason string `json:"reason"`
	} `json:"cause"`
	Lost *struct {
		Joined time.Time `json:"joined"`
	} `json:"lost"`
}

type step struct {
	Node   string `json:"node"`
	Digits string `json:"digits"`
	Notice string `json:"notice"`
}

type entry struct {
	ID      string    `json:"id"`
	Joined  time.Time `json:"joined"`
	Outcome string    `json:"outcome"`
	WaitMs  int64     `json:"wait_ms"`
	Offers  []offer   `json:"offers"`
}

type offer struct {
	Agent  string `json:"agent"`
	Result string `json:"result"`
}

type talk struct {
	Agent     string     `json:"agent"`
	Began     time.Time  `json:"began"`
	Ended     *time.Time `json:"ended"`
	EndedBy   string     `json:"ended_by"`
	Recording string     `json:"recording"`
	Holds     []struct {
		By   string     `json:"by"`
		From time.Time  `json:"from"`
		To   *time.Time `json:"to"`
	} `json:"holds"`
}

type recording struct {
	ID          string     `json:"id"`
	Call        string     `json:"call"`
	Ticket      string     `json:"ticket"`
	Agent       string     `json:"agent"`
	Ended       *time.Time `json:"ended"`
	DurationMs  int64      `json:"duration_ms"`
	Bytes       int64      `json:"bytes"`
	SHA256      string     `json:"sha256"`
	Interrupted bool       `json:"interrupted"`
	Fault       string     `json:"fault"`
}

type ticket struct {
	ID     string `json:"id"`
	Caller struct {
		Number string `json:"number"`
	} `json:"caller"`
	Notes []struct {
		Text string `json:"text"`
	} `json:"notes"`
}

type agentRow struct {
	ID       string `json:"id"`
	Device   string `json:"device"`
	Presence string `json:"presence"`
	State    string `json:"state"`
	Call     string `json:"call"`
}

type event struct {
	Global int64 `json:"global"`
	Stream struct {
		Kind string `json:"kind"`
		ID   string `json:"id"`
	} `json:"stream"`
	Seq  int64           `json:"seq"`
	At   time.Time       `json:"at"`
	Type string          `json:"type"`
	Body json.RawMessage `json:"body"`
}

type slaRow struct {
	Queue          string `json:"queue"`
	Offered        int    `json:"offered"`
	Answered       int    `json:"answered"`
	AnsweredWithin int    `json:"answered_within"`
	Abandoned      int    `json:"abandoned"`
	AbandonedShort int    `json:"abandoned_short"`
	Other          int    `json:"other"`
	Waiting        int    `json:"waiting"`
}

// ask sends a request and returns status and body.
func (a *api) ask(method, path string, body any) (int, []byte, error) {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(a.t.Context()), method, a.base+path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// read decodes what a GET answers, or says why it cannot.
func (a *api) read(path string, into any) error {
	status, b, err := a.ask(http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", path, status, b)
	}
	return json.Unmarshal(b, into)
}

func (a *api) get(path string, into any) {
	a.t.Helper()
	must(a.t, a.read(path, into))
}

// list follows a list's cursor to its end.
func list[T any](a *api, path, field string) []T {
	a.t.Helper()
	var all []T
	for cursor := ""; ; {
		var page map[string]json.RawMessage
		a.get(path+"?limit=200&cursor="+url.QueryEscape(cursor), &page)
		var rows []T
		must(a.t, json.Unmarshal(page[field], &rows))
		all = append(all, rows...)
		cursor = ""
		if next := page["next"]; next != nil {
			must(a.t, json.Unmarshal(next, &cursor))
		}
		if cursor == "" {
			return all
		}
	}
}

func (a *api) calls() []callRecord {
	a.t.Helper()
	return list[callRecord](a, "/api/v1/calls", "calls")
}

func (a *api) tickets() []ticket { a.t.Helper(); return list[ticket](a, "/api/v1/tickets", "tickets") }

func (a *api) recordings() []recording {
	a.t.Helper()
	return list[recording](a, "/api/v1/recordings", "recordings")
}

// callFrom is the newest call from a number.
func (a *api) callFrom(number string) (callRecord, bool) {
	a.t.Helper()
	var page struct {
		Calls []callRecord `json:"calls"`
	}
	a.get("/api/v1/calls?limit=100", &page)
	for _, c := range page.Calls {
		if c.From.Number == number && !c.Out {
			return c, true
		}
	}
	return callRecord{}, false
}

// awaitCall waits until the call from a number is as ok says.
func (a *api) awaitCall(number, what string, ok func(callRecord) bool) callRecord {
	a.t.Helper()
	var c callRecord
	eventually(a.t, "the call from "+number+" "+what, func() bool {
		var there bool
		c, there = a.callFrom(number)
		return there && ok(c)
	})
	return c
}

func (a *api) awaitEnd(number string) callRecord {
	a.t.Helper()
	return a.awaitCall(number, "is over", func(c callRecord) bool { return !c.Open })
}

// journal is all events so far, oldest first.
func (a *api) journal() []event {
	a.t.Helper()
	var all []event
	for after := int64(0); ; {
		var page struct {
			Events []event `json:"events"`
			Last   int64   `json:"last"`
		}
		a.get("/api/v1/events?limit=500&after="+strconv.FormatInt(after, 10), &page)
		if len(page.Events) == 0 {
			return all
		}
		all, after = append(all, page.Events...), page.Last
	}
}

// sla is the report over everything.
func (a *api) sla() []slaRow {
	a.t.Helper()
	var report struct {
		Queues []slaRow `json:"queues"`
	}
	q := url.Values{}
	q.Set("from", time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339))
	q.Set("to", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	a.get("/api/v1/reports/sla?"+q.Encode(), &report)
	return report.Queues
}

func (a *api) agents() map[string]agentRow {
	a.t.Helper()
	var out struct {
		Agents []agentRow `json:"agents"`
	}
	a.get("/api/v1/agents", &out)
	rows := map[string]agentRow{}
	for _, r := range out.Agents {
		rows[r.ID] = r
	}
	return rows
}

// awaitAgent waits until the board shows the agent in one of the states.
func (a *api) awaitAgent(id string, states ...string) {
	a.t.Helper()
	was := ""
	eventually(a.t, "agent "+id+" is "+strings.Join(states, " or "), func() bool {
		was = a.agents()[id].State
		return slices.Contains(states, was)
	})
}

// audio downloads a recording.
func (a *api) audio(id string) []byte {
	a.t.Helper()
	status, b, err := a.ask(http.MethodGet, "/api/v1/recordings/"+id+"/audio", nil)
	must(a.t, err)
	if status != http.StatusOK {
		a.t.Fatalf("audio of %s: %d %s", id, status, b)
	}
	return b
}

// sha256Hex is the SHA-256 as the catalogue writes it.
func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// ready is what /readyz answers.
func (a *api) ready() int {
	status, _, err := a.ask(http.MethodGet, "/readyz", nil)
	if err != nil {
		return 0
	}
	return status
}

// metric is a sample without labels of /metrics; false when there is none.
func (a *api) metric(name string) (float64, bool) {
	a.t.Helper()
	status, b, err := a.ask(http.MethodGet, "/metrics", nil)
	must(a.t, err)
	if status != http.StatusOK {
		a.t.Fatalf("/metrics: %d", status)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			must(a.t, err)
			return v, true
		}
	}
	return 0, false
}
