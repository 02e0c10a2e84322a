package customers

import (
	"fmt"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Fault is one mistake of an entry, and what to do about it.
type Fault struct {
	Line  int    // of the file, 0 for none
	Field string // "numbers"; empty for the file or the line as a whole
	Text  string
}

// String puts the line in front. It never holds a PIN.
func (f Fault) String() string {
	var b strings.Builder
	if f.Line > 0 {
		b.WriteString("line " + strconv.Itoa(f.Line) + ": ")
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	return b.String() + f.Text
}

// Faults are all mistakes at once. They match ErrInvalid.
type Faults []Fault

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Is makes Faults match ErrInvalid.
func (fs Faults) Is(target error) bool { return target == ErrInvalid }

func (fs Faults) err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// Limits of an entry.
const (
	longestName  = 200 // characters
	mostParts    = 20  // numbers of a person
	mostUsers    = 10_000_000
	leastAccount = 3 // digits
	mostAccount  = 12
)

// notices are what one may opt out of.
func notices() []string { return []string{"mail", "sms", "call"} }

// tidy brings an entry into its normal form: numbers in E.164, text trimmed.
func (d *Directory) tidy(e *Entry) {
	for _, c := range columns(e.Kind()) {
		_ = c.read(e, strings.TrimSpace(c.text(e))) // its own text can be read
	}
	if e.Customer == nil || d.cfg.Normal == nil {
		return
	}
	client := d.clientOf(e.Customer.Company)
	for i, n := range e.Customer.Numbers {
		e.Customer.Numbers[i] = d.cfg.Normal(n, client)
	}
	e.Customer.Numbers = unique(e.Customer.Numbers)
}

func unique[S ~string](all []S) []S {
	var out []S
	for _, s := range all {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// faults are the mistakes of a tidy entry by itself, and of what it refers to.
func (d *Directory) faults(e *Entry) Faults {
	var fs Faults
	add := func(field, format string, args ...any) {
		fs = append(fs, Fault{Field: field, Text: fmt.Sprintf(format, args...)})
	}
	if !isID(e.ID()) {
		add("id", "%q is no id: take lower-case letters, digits, - and _, at most 64", e.ID())
	}
	if !isText(e.Name()) || e.Name() == "" {
		add("name", "%q is no name: 1 to %d characters, none of them a control character", e.Name(), longestName)
	}
	for _, c := range columns(e.Kind()) {
		if text := c.text(e); c.name != "id" && c.name != "name" && !isText(text) && c.name != "numbers" && c.name != "authorised" {
			add(c.name, "is longer than %d characters, or has a control character in it", longestName)
		}
	}
	if company := e.text("company"); company != "" && d.entry(Companies, company) == nil {
		add("company", "there is no company %q: import companies first", company)
	}
	switch e.Kind() {
	case People:
		d.customerFaults(e, add)
	case Companies:
		d.companyFaults(e, add)
	case Services:
		if q := e.Service.Queue; q != "" && d.cfg.Queue != nil && !d.cfg.Queue(q) {
			add("queue", "there is no queue %q in the centre", q)
		}
	case Assets:
		if c := string(e.Asset.Customer); c != "" && d.entry(People, c) == nil {
			add("customer", "there is no customer %q: import customers first", c)
		}
		if s := e.Asset.Service; s != "" && d.entry(Services, s) == nil {
			add("service", "there is no service %q: import services first", s)
		}
	}
	return fs
}

func (d *Directory) customerFaults(e *Entry, add func(field, format string, args ...any)) {
	c := e.Customer
	if len(c.Numbers) > mostParts {
		add("numbers", "%d of them; at most %d", len(c.Numbers), mostParts)
	}
	for _, n := range c.Numbers {
		if !isE164(n) {
			add("numbers", "%q is no number: write it with + and the country code", n)
		}
	}
	if at, err := mail.ParseAddress(c.Mail); c.Mail != "" && (err != nil || at.Address != c.Mail) {
		add("mail", "%q is no mail address", c.Mail)
	}
	if c.Language != "" && (len(c.Language) != 2 || strings.Trim(c.Language, "abcdefghijklmnopqrstuvwxyz") != "") {
		add("language", "%q is no language: take its two letters, such as de", c.Language)
	}
	if a := c.Account; a != "" && (len(a) < leastAccount || len(a) > mostAccount || strings.Trim(a, "0123456789") != "") {
		add("account", "%q cannot be keyed: take %d to %d digits", a, leastAccount, mostAccount)
	}
	for _, o := range c.OptOuts {
		if !slices.Contains(notices(), o) {
			add("opt_outs", "%q is none of %s", o, strings.Join(notices(), ", "))
		}
	}
}

func (d *Directory) companyFaults(e *Entry, add func(field, format string, args ...any)) {
	c := e.Company
	if c.Client != "" && d.cfg.Client != nil && !d.cfg.Client(c.Client) {
		add("client", "there is no client %q in the centre", c.Client)
	}
	if c.Users < 0 || c.Users > mostUsers {
		add("users", "%d is not between 0 and %d", c.Users, mostUsers)
	}
	days := map[string]string{"from": c.From, "until": c.Until}
	for _, name := range []string{"from", "until"} {
		if _, err := time.Parse(time.DateOnly, days[name]); days[name] != "" && err != nil {
			add(name, "%q is no day: write it as 2026-01-31", days[name])
			return
		}
	}
	if c.From != "" && c.Until != "" && c.Until < c.From {
		add("until", "%s is before the contract begins, on %s", c.Until, c.From)
	}
	for _, a := range c.Authorised {
		if !isID(string(a)) {
			add("authorised", "%q is no id of a customer", a)
		}
	}
}

func isID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func isText(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= longestName && !strings.ContainsFunc(s, unicode.IsControl)
}

func isE164(number string) bool {
	digits, plus := strings.CutPrefix(number, "+")
	return plus && len(digits) >= 6 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == "" && digits[0] != '0'
}
