package preset

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/template"
	"unicode"
)

// errNothing means that there is nothing to ask now.
var errNothing = errors.New("nothing to ask")

// longest is how long one text that was filled in may be, in bytes.
const longest = 64 << 10

// Fill makes a request of templates. URL is the endpoint's, else the preset's own.
func (p *Preset) Fill(r *Request, base string, v View, secrets map[string]string) (*http.Request, error) {
	v.secrets = secrets
	if r.When != "" {
		if said, err := fill(r.When, v); err != nil || strings.TrimSpace(said) == "" {
			return nil, errors.Join(err, errNothing)
		}
	}
	u, err := p.address(r, base, v)
	if err != nil {
		return nil, err
	}
	body, kind, err := r.body(v)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(r.Method, u, body) //nolint:noctx // who sends it gives it one
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "firstline")
	if err := headers(req.Header, r.Header, v); err != nil {
		return nil, err
	}
	return req, p.prove(req, v)
}

// address fills a path in: what a segment holds stays within it.
func (p *Preset) address(r *Request, base string, v View) (string, error) {
	if base == "" {
		base = p.URL
	}
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil {
		return "", errors.New("the address cannot be read")
	}
	var text strings.Builder
	text.WriteString(u.Scheme + "://" + u.Host + u.EscapedPath())
	for _, segment := range r.Path {
		s, err := fill(segment, v)
		if err != nil {
			return "", err
		}
		if s == "" || s == "." || s == ".." {
			return "", fmt.Errorf("path: %s comes out as %q", segment, s)
		}
		text.WriteString("/" + url.PathEscape(s))
	}
	q := url.Values{}
	for name, t := range r.Query {
		s, err := fill(t, v)
		if err != nil {
			return "", err
		}
		q.Set(name, s)
	}
	if len(q) > 0 {
		text.WriteString("?" + q.Encode())
	}
	return text.String(), nil
}

// body fills the tree in, and only then writes it down.
func (r *Request) body(v View) (io.Reader, string, error) {
	if r.Body == nil {
		return http.NoBody, "", nil
	}
	tree, err := branch(r.Body, v)
	if err != nil {
		return nil, "", err
	}
	if r.Form {
		form := url.Values{}
		for name, x := range tree.(map[string]any) {
			form.Set(name, fmt.Sprint(x))
		}
		return strings.NewReader(form.Encode()), "application/x-www-form-urlencoded", nil
	}
	text, err := json.Marshal(tree)
	return bytes.NewReader(text), "application/json", err
}

// branch fills a part of a tree in. The value of a key that ends with ? is left out
// when it comes out empty; a text that begins with = is JSON once it was filled in.
func branch(x any, v View) (any, error) {
	switch x := x.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, y := range x {
			filled, err := branch(y, v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			short, optional := strings.CutSuffix(name, "?")
			if optional && (filled == "" || filled == nil) {
				continue
			}
			out[short] = filled
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(x))
		for _, y := range x {
			filled, err := branch(y, v)
			if err != nil {
				return nil, err
			}
			out = append(out, filled)
		}
		return out, nil
	case string:
		return leaf(x, v)
	}
	return x, nil
}

func leaf(text string, v View) (any, error) {
	plain, raw := strings.CutPrefix(text, "=")
	s, err := fill(plain, v)
	if err != nil || !raw {
		return s, err
	}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var value any
	if err := json.Unmarshal([]byte(s), &value); err != nil {
		return nil, fmt.Errorf("%s comes out as no JSON", text)
	}
	return value, nil
}

func headers(h http.Header, templates map[string]string, v View) error {
	for name, t := range templates {
		s, err := fill(t, v)
		if err != nil {
			return err
		}
		if strings.ContainsFunc(s, unicode.IsControl) {
			return fmt.Errorf("header %s comes out with a line break or another control character", name)
		}
		h.Set(name, s)
	}
	return nil
}

// prove adds who we are.
func (p *Preset) prove(req *http.Request, v View) error {
	switch {
	case p.Auth.Bearer != "":
		req.Header.Set("Authorization", "Bearer "+v.secrets[p.Auth.Bearer])
	case p.Auth.Pass != "":
		user, err := fill(p.Auth.User, v)
		if err != nil {
			return err
		}
		req.SetBasicAuth(user, v.secrets[p.Auth.Pass])
	}
	return headers(req.Header, p.Auth.Header, v)
}

// fill fills one text in.
func fill(text string, v View) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	t, err := template.New("").Option("missingkey=error").Funcs(v.functions()).Parse(text)
	if err != nil {
		return "", fmt.Errorf("%q: %w", text, err)
	}
	var out bounded
	if err := t.Execute(&out, v); err != nil {
		return "", fmt.Errorf("%q: %w", text, err)
	}
	return strings.ToValidUTF8(out.String(), ""), nil
}

// bounded is a text that does not grow without end.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > longest {
		return 0, fmt.Errorf("it comes out longer than %d bytes", longest)
	}
	return b.Builder.Write(p)
}

// functions are what templates may use besides the model.
func (v View) functions() template.FuncMap {
	return template.FuncMap{
		"set":    func(name string) string { return v.Set[name] },
		"secret": func(name string) string { return v.secrets[name] },
		"or_else": func(otherwise, s string) string {
			if s == "" {
				return otherwise
			}
			return s
		},
		"digits": func(s string) string {
			return strings.Map(func(r rune) rune {
				if r < '0' || r > '9' {
					return -1
				}
				return r
			}, s)
		},
		"cut": func(n int, s string) string {
			if r := []rune(s); len(r) > n {
				return string(r[:n])
			}
			return s
		},
		"choose": func(n int, of ...string) string { // 1 is the first; none of them: the last
			if n < 1 || n > len(of) {
				n = len(of)
			}
			return of[n-1]
		},
		"json": func(x any) (string, error) {
			b, err := json.Marshal(x)
			return string(b), err
		},
		"b64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	}
}
