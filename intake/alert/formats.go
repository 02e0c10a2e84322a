// Package alert turns what monitoring systems say into known incidents: the first
// problem of a service declares one, the end of the last one ends it. What is said
// twice counts once.
package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrFormat means that a text is not what the monitoring system is known to send.
var ErrFormat = errors.New("alert: not in the format")

// Alert is one problem, as a monitoring system sees it.
type Alert struct {
	Fingerprint string // the same for the same problem
	Firing      bool
	Title       string
	Labels      map[string]string
}

// most is how many alerts one message may hold.
const most = 1000

// Parse reads a message in one of the formats alertmanager, grafana, zabbix. ErrFormat.
func Parse(format string, body []byte) ([]Alert, error) {
	var all []Alert
	var err error
	switch format {
	case "alertmanager", "grafana":
		all, err = group(body)
	case "zabbix":
		all, err = zabbix(body)
	default:
		return nil, fmt.Errorf("%w: there is no format %q", ErrFormat, format)
	}
	if err != nil {
		return nil, err
	}
	if len(all) > most {
		return nil, fmt.Errorf("%w: more than %d alerts at once", ErrFormat, most)
	}
	for _, a := range all {
		if a.Fingerprint == "" || len(a.Fingerprint) > 200 {
			return nil, fmt.Errorf("%w: an alert has no fingerprint", ErrFormat)
		}
	}
	return all, nil
}

// group reads Alertmanager's webhook (version 4), which Grafana's alerting speaks too.
func group(body []byte) ([]Alert, error) {
	var m struct {
		Alerts []struct {
			Status      string            `json:"status"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
			Fingerprint string            `json:"fingerprint"`
		} `json:"alerts"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Alerts == nil {
		return nil, fmt.Errorf("%w: no list of alerts", ErrFormat)
	}
	var all []Alert
	for _, a := range m.Alerts {
		if a.Status != "firing" && a.Status != "resolved" {
			return nil, fmt.Errorf("%w: an alert is neither firing nor resolved", ErrFormat)
		}
		title := first(a.Annotations["summary"], a.Annotations["title"], a.Labels["alertname"], "Alert")
		all = append(all, Alert{a.Fingerprint, a.Status == "firing", title, a.Labels})
	}
	return all, nil
}

// zabbix reads the parameters of a media type "Webhook" as our example sends them:
// event_id, value (1 problem, 0 recovery), name, severity, host, and tags as Zabbix's
// {EVENT.TAGSJSON}.
func zabbix(body []byte) ([]Alert, error) {
	var m struct {
		EventID  string `json:"event_id"`
		Value    string `json:"value"`
		Name     string `json:"name"`
		Severity string `json:"severity"`
		Host     string `json:"host"`
		Tags     []struct {
			Tag   string `json:"tag"`
			Value string `json:"value"`
		} `json:"tags"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.EventID == "" || (m.Value != "0" && m.Value != "1") {
		return nil, fmt.Errorf("%w: it needs event_id, and value 1 or 0", ErrFormat)
	}
	labels := map[string]string{"host": m.Host, "severity": m.Severity}
	for _, t := range m.Tags {
		labels[t.Tag] = t.Value
	}
	return []Alert{{"zabbix:" + m.EventID, m.Value == "1", first(m.Name, "Alert"), labels}}, nil
}

// first is the first text that is not empty, as one short line.
func first(texts ...string) string {
	for _, s := range texts {
		if s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " "); s != "" {
			if r := []rune(s); len(r) > 200 {
				return string(r[:200])
			}
			return s
		}
	}
	return ""
}
