package alert_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/intake/alert"
	"firstline/intake/incident"
	"firstline/tickets/connect/connecttest"
)

// known is incident.List as the API has it.
type known struct{ *incident.List }

func (k known) Incidents() []incident.Incident { return k.All() }

// watch is a desk for alerts on a journal, which can begin anew.
type watch struct {
	t       *testing.T
	journal *connecttest.World
	known
	*alert.Desk
}

func newWatch(t *testing.T) *watch {
	w := &watch{t: t, journal: connecttest.New()}
	w.start()
	return w
}

func (w *watch) start() {
	n := 0
	number := func() (call.TicketID, error) { n++; return call.TicketID("T-" + strings.Repeat("1", n)), nil }
	var incidents, alerts []call.Event
	for _, e := range w.journal.Events() {
		switch e.Stream.Kind {
		case call.StreamIncident:
			incidents = append(incidents, e)
		case call.StreamAlert:
			alerts = append(alerts, e)
		}
	}
	w.known = known{incident.New(incident.Config{Journal: w.journal, Ticket: number}, incidents)}
	w.Desk = alert.New(alert.Config{Journal: w.journal, Incidents: w.known}, alerts)
}

func (w *watch) take(s alert.Source, body string) {
	w.t.Helper()
	if err := w.Take(w.t.Context(), s, []byte(body)); err != nil {
		w.t.Fatal(err)
	}
}

// want is what is open: queue, clients, title.
func (w *watch) want(open ...string) {
	w.t.Helper()
	var got []string
	for _, i := range w.Incidents() {
		if i.Open() {
			got = append(got, string(i.Queue)+" "+strings.Join(i.Clients, ",")+" "+i.Title+" by "+i.By)
		}
	}
	if d := cmp.Diff(open, got); d != "" {
		w.t.Errorf("open (-want +got): %s", d)
	}
}

func payload(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func source(format string, more ...string) alert.Source {
	s := alert.Source{Endpoint: "mon", Settings: map[string]string{"format": format}}
	for i := 0; i+1 < len(more); i += 2 {
		s.Settings[more[i]] = more[i+1]
	}
	return s
}

func TestAProblemDeclaresAnIncidentAndItsEndEndsIt(t *testing.T) {
	for name, c := range map[string]struct {
		source            alert.Source
		want              string
		resolved, partial [2]string
	}{
		"alertmanager": {
			source("alertmanager", "queue:service:mail", "mail", "queue", "service-desk"), "mail  Mail is down on mx1 by endpoint:mon",
			[2]string{`"status":"firing"`, `"status":"resolved"`},
			[2]string{`{"status":"firing","labels":{"alertname":"MailDown","instance":"mx1"`, `{"status":"resolved","labels":{"alertname":"MailDown","instance":"mx1"`},
		},
		"grafana": {
			source("grafana", "queue", "service-desk", "client:team:acme", "acme"), "service-desk acme Logins fail by endpoint:mon",
			[2]string{`"status":"firing"`, `"status":"resolved"`},
			[2]string{},
		},
		"zabbix": {
			source("zabbix", "queue:service:shop", "shop"), "shop  Web shop does not answer by endpoint:mon",
			[2]string{`"value":"1"`, `"value":"0"`},
			[2]string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatch(t)
			body := payload(t, name)
			w.take(c.source, body)
			w.want(c.want)
			w.take(c.source, body) // it is said again and again
			w.start()              // and after a restart
			w.take(c.source, body)
			w.want(c.want)
			if c.partial[0] != "" {
				w.take(c.source, strings.Replace(body, c.partial[0], c.partial[1], 1))
				w.want(c.want)
			}
			w.start()
			end := strings.ReplaceAll(body, c.resolved[0], c.resolved[1])
			w.take(c.source, end)
			w.want()
			w.take(c.source, end)
			w.take(c.source, body) // it comes again: another incident
			w.want(c.want)
			if n := len(w.Incidents()); n != 2 {
				t.Errorf("%d incidents", n)
			}
		})
	}
}

func TestWhatAPersonDeclaredOrEndedIsThePersons(t *testing.T) {
	w := newWatch(t)
	s := source("zabbix", "queue", "shop")
	i, err := w.Declare(t.Context(), incident.Declaration{Queue: "shop", Title: "We know", By: "supervisor:sue"})
	if err != nil {
		t.Fatal(err)
	}
	body := payload(t, "zabbix")
	w.take(s, body)
	w.take(s, strings.Replace(body, `"1"`, `"0"`, 1))
	w.want("shop  We know by supervisor:sue")
	if _, err := w.End(t.Context(), i.ID, "supervisor:sue", ""); err != nil {
		t.Fatal(err)
	}
	w.take(s, body)
	w.want("shop  Web shop does not answer by endpoint:mon")
	if _, err := w.End(t.Context(), w.Incidents()[0].ID, "supervisor:sue", "a false alarm"); err != nil {
		t.Fatal(err)
	}
	w.take(s, body)
	w.want()
}

func TestAnAlertOfNoServiceHereDeclaresNothing(t *testing.T) {
	w := newWatch(t)
	w.take(source("zabbix", "queue:service:mail", "mail"), payload(t, "zabbix"))
	w.want()
}

func TestWhatIsNotInTheFormatIsRefused(t *testing.T) {
	for _, format := range []string{"alertmanager", "grafana", "zabbix", "smoke"} {
		for _, body := range []string{``, `null`, `[]`, `{}`, `{"alerts":[{"status":"melting","fingerprint":"1"}]}`, `{"alerts":[{"status":"firing"}]}`, `{"event_id":"1","value":"maybe"}`, `{"alerts":` + strings.Repeat(`[`, 20000)} {
			if err := newWatch(t).Take(t.Context(), source(format, "queue", "q"), []byte(body)); !errors.Is(err, alert.ErrFormat) {
				t.Errorf("%s %.40s: %v", format, body, err)
			}
		}
	}
}

func TestSettingsOfASourceAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		s    alert.Source
		says string
	}{
		"good":      {source("grafana", "queue:a:b", "q", "client", "acme"), ""},
		"format":    {source("smoke", "queue", "q"), "format"},
		"no queue":  {source("zabbix", "client", "acme"), "needs queue"},
		"a mistake": {source("zabbix", "queue", "q", "queu:a:b", "q"), "no setting"},
		"no value":  {source("zabbix", "queue:a", "q"), "no setting"},
		"empty":     {source("zabbix", "queue", ""), "empty"},
	} {
		if err := c.s.Check(); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
