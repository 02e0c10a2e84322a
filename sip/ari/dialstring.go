package ari

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"firstline/call"
)

// ErrNotAllowed means that no trunk may dial the number.
var ErrNotAllowed = errors.New("ari: number is not allowed by any trunk")

// template is an endpoint with one place to fill: "PJSIP/{number}@carrier".
type template struct {
	before, has, after string
	err                error
}

// The operator writes templates; a comma or an ampersand would end an argument or
// begin a second endpoint.
const templateLetters = letters + digits + "/:@.;=+-_"

func parseTemplate(s string) template {
	before, rest, ok1 := strings.Cut(s, "{")
	has, after, ok2 := strings.Cut(rest, "}")
	t := template{before: before, has: has, after: after}
	switch tech, resource, ok := strings.Cut(before+"x"+after, "/"); {
	case !ok1 || !ok2:
		t.err = fmt.Errorf("%q has no place to fill", s)
	case !slices.Contains([]string{"device", "contact", "number"}, has):
		t.err = fmt.Errorf("%q: {%s} is not {device}, {contact} or {number}", s, has)
	case !only(before, templateLetters) || !only(after, templateLetters):
		t.err = fmt.Errorf("%q has characters that no endpoint has", s)
	case !ok || tech == "" || resource == "":
		t.err = fmt.Errorf("%q is not technology/resource", s)
	}
	return t
}

func (t template) fill(value string) string { return t.before + value + t.after }

// read is what fills the template so that it becomes s.
func (t template) read(s string) (string, bool) {
	v, ok := strings.CutPrefix(s, t.before)
	if !ok {
		return "", false
	}
	v, ok = strings.CutSuffix(v, t.after)
	return v, ok && v != ""
}

// endpoint is the trunk's own endpoint.
func (t Trunk) endpoint() string { return endpointIn(t.Dial) }

// endpointIn is the endpoint of a template that sends through one: "carrier" of
// "PJSIP/{number}@carrier", and of "PJSIP/carrier/sip:{number}@192.0.2.1".
func endpointIn(dial string) string {
	p := parseTemplate(dial)
	_, resource, _ := strings.Cut(p.before, "/")
	if name, _, ok := strings.Cut(resource, "/"); ok {
		return name
	}
	return strings.TrimPrefix(p.after, "@")
}

// dial is the number as the trunk wants it, and whether it may be dialled at all.
func (t Trunk) dial(number string) (string, bool) {
	if number == "" || !only(number, numberLetters) || strings.LastIndexByte(number, '+') > 0 {
		return "", false
	}
	number = t.Add + strings.TrimPrefix(number, t.Strip)
	return number, slices.ContainsFunc(t.Allow, func(p string) bool { return strings.HasPrefix(number, p) })
}

// destination is where an originated leg goes.
type destination struct {
	endpoint string
	from     string // number to show in place of the caller's; empty: the caller's
}

// destination turns an Endpoint into what Asterisk dials. What comes from outside
// (a device's name, a number, a contact) has to be of letters that mean nothing to
// Asterisk.
func (n *node) destination(to call.Endpoint) (destination, error) {
	switch {
	case to.Device != "" && to.Number == "":
		e, err := n.deviceEndpoint(to.Device)
		return destination{endpoint: e}, err
	case to.Number != "" && to.Device == "":
		return n.cfg.numberEndpoint(to)
	}
	return destination{}, fmt.Errorf("ari: endpoint %+v is not exactly one device or number", to)
}

func (n *node) deviceEndpoint(d call.DeviceID) (string, error) {
	t := parseTemplate(n.cfg.Dial)
	if n.isElsewhere(d) {
		t = parseTemplate(n.cfg.Registered)
	}
	if t.has == "device" {
		if !only(string(d), deviceLetters) {
			return "", unreachable("no phone has such a name")
		}
		return t.fill(string(d)), nil
	}
	contact, ok := n.front.cfg.Contacts.Contact(d)
	switch {
	case !ok:
		return "", unreachable("not registered")
	case !isContact(contact):
		return "", unreachable("registered with an address that cannot be dialled")
	}
	return t.fill(contact), nil
}

// isElsewhere says whether a phone is registered with Config.Contacts, and not at
// this Asterisk.
func (n *node) isElsewhere(d call.DeviceID) bool {
	if n.cfg.Registered == "" {
		return false
	}
	n.mu.Lock()
	here := n.phones[d]
	n.mu.Unlock()
	_, there := n.front.cfg.Contacts.Contact(d)
	return there && !here
}

func (cfg Node) numberEndpoint(to call.Endpoint) (destination, error) {
	for _, t := range cfg.Trunks {
		if to.Trunk != "" && to.Trunk != t.Name {
			continue
		}
		if number, ok := t.dial(to.Number); ok {
			return destination{parseTemplate(t.Dial).fill(number), t.From}, nil
		}
	}
	return destination{}, ErrNotAllowed
}

// isContact says whether a registered address can stand in an endpoint: a plain
// SIP URI, without the characters that part endpoints and their options.
func isContact(s string) bool {
	rest, ok := strings.CutPrefix(s, "sip:")
	if !ok {
		rest, ok = strings.CutPrefix(s, "sips:")
	}
	return ok && rest != "" && len(s) <= 200 && only(rest, letters+digits+"@.:;=+-_~[]%")
}

func unreachable(text string) call.Cause {
	return call.Cause{Reason: call.Unreachable, SIP: 480, Text: text}
}

// headerVariables sets headers of our own making, one line each.
func headerVariables(vars, headers map[string]string) error {
	for name, value := range headers {
		if !extension(name) {
			return fmt.Errorf("ari: header %q is not one that a call may add (X-…, Alert-Info, Call-Info)", name)
		}
		vars["PJSIP_HEADER(add,"+name+")"] = headerText(value)
	}
	return nil
}

func extension(name string) bool {
	if name == "" || !only(name, letters+digits+"-") {
		return false
	}
	return len(name) > 2 && strings.EqualFold(name[:2], "x-") || strings.EqualFold(name, "Alert-Info") || strings.EqualFold(name, "Call-Info")
}

func headerText(s string) string { return shown(s, 200) }
