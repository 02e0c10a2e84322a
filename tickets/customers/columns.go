package customers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"firstline/call"
)

// pinColumn is written and never read.
const pinColumn = "pin"

// column is one field of a table as text: in files, differences and the history.
type column struct {
	name string
	read func(*Entry, string) error
	text func(*Entry) string
}

// Columns are the names of a table's columns, as in its files.
func (k Kind) Columns() []string {
	var names []string
	for _, c := range columns(k) {
		names = append(names, c.name)
	}
	if k == People {
		names = append(names, pinColumn)
	}
	return names
}

func (k Kind) empty() Entry {
	switch k {
	case People:
		return Entry{Customer: new(call.Customer)}
	case Companies:
		return Entry{Company: new(call.Company)}
	case Services:
		return Entry{Service: new(call.Service)}
	case Assets:
		return Entry{Asset: new(call.Asset)}
	}
	return Entry{}
}

func columns(k Kind) []column {
	switch k {
	case People:
		return []column{
			plain("id", func(e *Entry) *string { return (*string)(&e.Customer.ID) }),
			plain("name", func(e *Entry) *string { return &e.Customer.Name }),
			several("numbers", func(e *Entry) *[]string { return &e.Customer.Numbers }),
			plain("mail", func(e *Entry) *string { return &e.Customer.Mail }),
			plain("language", func(e *Entry) *string { return &e.Customer.Language }),
			plain("company", func(e *Entry) *string { return (*string)(&e.Customer.Company) }),
			plain("class", func(e *Entry) *string { return &e.Customer.Class }),
			plain("account", func(e *Entry) *string { return &e.Customer.Account }),
			several("opt_outs", func(e *Entry) *[]string { return &e.Customer.OptOuts }),
		}
	case Companies:
		return []column{
			plain("id", func(e *Entry) *string { return (*string)(&e.Company.ID) }),
			plain("name", func(e *Entry) *string { return &e.Company.Name }),
			plain("client", func(e *Entry) *string { return &e.Company.Client }),
			plain("class", func(e *Entry) *string { return &e.Company.Class }),
			users(),
			plain("from", func(e *Entry) *string { return &e.Company.From }),
			plain("until", func(e *Entry) *string { return &e.Company.Until }),
			several("authorised", func(e *Entry) *[]call.CustomerID { return &e.Company.Authorised }),
		}
	case Services:
		return []column{
			plain("id", func(e *Entry) *string { return &e.Service.ID }),
			plain("name", func(e *Entry) *string { return &e.Service.Name }),
			plain("company", func(e *Entry) *string { return (*string)(&e.Service.Company) }),
			plain("queue", func(e *Entry) *string { return (*string)(&e.Service.Queue) }),
		}
	case Assets:
		return []column{
			plain("id", func(e *Entry) *string { return &e.Asset.ID }),
			plain("name", func(e *Entry) *string { return &e.Asset.Name }),
			plain("company", func(e *Entry) *string { return (*string)(&e.Asset.Company) }),
			plain("customer", func(e *Entry) *string { return (*string)(&e.Asset.Customer) }),
			plain("service", func(e *Entry) *string { return &e.Asset.Service }),
			plain("serial", func(e *Entry) *string { return &e.Asset.Serial }),
		}
	}
	return nil
}

func plain(name string, of func(*Entry) *string) column {
	return column{
		name: name,
		text: func(e *Entry) string { return *of(e) },
		read: func(e *Entry, s string) error { *of(e) = s; return nil },
	}
}

// several is a list, its parts between semicolons.
func several[S ~string](name string, of func(*Entry) *[]S) column {
	return column{
		name: name,
		text: func(e *Entry) string {
			var parts []string
			for _, s := range *of(e) {
				parts = append(parts, string(s))
			}
			return strings.Join(parts, ";")
		},
		read: func(e *Entry, s string) error {
			*of(e) = nil
			for part := range strings.SplitSeq(s, ";") {
				if part = strings.TrimSpace(part); part != "" && !slices.Contains(*of(e), S(part)) {
					*of(e) = append(*of(e), S(part))
				}
			}
			return nil
		},
	}
}

func users() column {
	return column{
		name: "users",
		text: func(e *Entry) string {
			if e.Company.Users == 0 {
				return ""
			}
			return strconv.Itoa(e.Company.Users)
		},
		read: func(e *Entry, s string) error {
			if s == "" {
				s = "0"
			}
			n, err := strconv.Atoi(s)
			if err != nil {
				return fmt.Errorf("%q is not a whole number", s)
			}
			e.Company.Users = n
			return nil
		},
	}
}

// text is a column of the entry; empty when there is none such.
func (e *Entry) text(name string) string {
	for _, c := range columns(e.Kind()) {
		if c.name == name {
			return c.text(e)
		}
	}
	return ""
}

// differences are the columns in which two states of one entry differ; an entry that
// was not there, or was removed, has nothing in any.
func differences(was, is *Entry) []Field {
	var fields []Field
	of := func(e *Entry, c column) string {
		if e.Kind() == "" || e.Removed {
			return ""
		}
		return c.text(e)
	}
	k := is.Kind()
	for _, c := range columns(k) {
		if from, to := of(was, c), of(is, c); from != to && c.name != "id" {
			fields = append(fields, Field{c.name, from, to})
		}
	}
	return fields
}
