package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"go.uber.org/zap"
)

const (
	linkLife    = 15 * time.Minute
	signedInFor = 12 * time.Hour
	maxLinks    = 64 // links that wait to be used
	maxFormSize = 4 << 10
)

// errSignedOut means that a request brings no proof, or one that holds no longer.
var errSignedOut = errors.New("not signed in")

// door lets people and programs in: by bearer token, by cookie, and, to get a
// cookie, by one-time link or token.
type door struct {
	log     *zap.Logger
	tokens  Tokens
	cookies *scs.SessionManager
	live    *live
	pages   *template.Template

	mu    sync.Mutex           // guards links
	links map[string]time.Time // hash of a link's secret to when it ends
}

func newDoor(c Config, l *live, pages *template.Template) *door {
	// Not scs.New, which starts a store of its own that nobody ends.
	m := &scs.SessionManager{
		Store: c.Sessions, Codec: scs.GobCodec{}, Lifetime: signedInFor, HashTokenInStore: true,
		Cookie: scs.SessionCookie{Name: "firstline", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Persist: true},
	}
	if c.TLS != nil {
		m.Cookie.Name = "__Host-firstline"
		m.Cookie.Secure = true
	}
	d := &door{log: c.Log, tokens: c.Tokens, cookies: m, live: l, pages: pages, links: make(map[string]time.Time)}
	m.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		d.log.Error("sign-in store", zap.Error(err))
		d.page(w, http.StatusServiceUnavailable, signInPage{Fault: "Sign-in is not available just now. Try again in a minute."})
	}
	return d
}

// identify says who is behind a request. It reads the proof anew each time, so
// it can be asked again while a long response runs. errSignedOut when there is
// none; any other error means that it could not be checked.
func (d *door) identify(r *http.Request) (Who, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			return Who{}, errSignedOut
		}
		return d.byToken(r.Context(), hashOf(strings.TrimSpace(token)))
	}
	c, err := r.Cookie(d.cookies.Cookie.Name)
	if err != nil || c.Value == "" {
		return Who{}, errSignedOut
	}
	// The request's own context carries no sign-in state, so this reads the store.
	ctx, err := d.cookies.Load(r.Context(), c.Value)
	if err != nil {
		return Who{}, fmt.Errorf("sign-in: %w", err)
	}
	if sum := d.cookies.GetString(ctx, "token"); sum != "" { // a cookie got for a token ends with it
		who, err := d.byToken(ctx, sum)
		who.key = hashOf(c.Value)
		return who, err
	}
	who := Who{Role: Role(d.cookies.GetString(ctx, "role")), Name: d.cookies.GetString(ctx, "name"), key: hashOf(c.Value)}
	if who.Role.Valid() != nil {
		return Who{}, errSignedOut
	}
	return who, nil
}

func (d *door) byToken(ctx context.Context, sum string) (Who, error) {
	role, err := d.tokens.TokenRole(ctx, sum)
	switch {
	case errors.Is(err, ErrNotFound):
		return Who{}, errSignedOut
	case err != nil:
		return Who{}, fmt.Errorf("token: %w", err)
	}
	if err := role.Valid(); err != nil {
		return Who{}, err
	}
	return Who{Role: role, Name: "token:" + sum[:8], key: sum}, nil
}

// newLink is the secret of a fresh one-time link.
func (d *door) newLink(now time.Time) string {
	secret := rand.Text()
	d.mu.Lock()
	defer d.mu.Unlock()
	for h, end := range d.links {
		if !now.Before(end) || len(d.links) >= maxLinks {
			delete(d.links, h)
		}
	}
	d.links[hashOf(secret)] = now.Add(linkLife)
	return secret
}

// holds reports whether a link can be used; use uses it up.
func (d *door) holds(secret string, now time.Time, use bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := hashOf(secret)
	end, ok := d.links[h]
	if use {
		delete(d.links, h)
	}
	return ok && now.Before(end)
}

func (d *door) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /sign-in", d.showForm)
	mux.HandleFunc("GET /sign-in/{secret}", d.showLink)
	mux.Handle("POST /sign-in/{secret}", d.cookies.LoadAndSave(http.HandlerFunc(d.useLink)))
	mux.Handle("POST /sign-in", d.cookies.LoadAndSave(http.HandlerFunc(d.useToken)))
	mux.Handle("POST /sign-out", d.cookies.LoadAndSave(http.HandlerFunc(d.signOut)))
}

// signInPage is what the sign-in template shows.
type signInPage struct {
	Link  bool   // a link to confirm, instead of the form
	Fault string // why it did not work
}

func (d *door) showForm(w http.ResponseWriter, _ *http.Request) {
	d.page(w, http.StatusOK, signInPage{})
}

// showLink only shows a button: whoever previews links must not use them up.
func (d *door) showLink(w http.ResponseWriter, r *http.Request) {
	if !d.holds(r.PathValue("secret"), time.Now(), false) {
		d.usedLink(w)
		return
	}
	d.page(w, http.StatusOK, signInPage{Link: true})
}

func (d *door) usedLink(w http.ResponseWriter) {
	d.page(w, http.StatusGone, signInPage{Fault: "This link was used already, or it is older than 15 minutes. The server prints a new one when it starts."})
}

func (d *door) useLink(w http.ResponseWriter, r *http.Request) {
	if !d.holds(r.PathValue("secret"), time.Now(), true) {
		d.usedLink(w)
		return
	}
	d.letIn(w, r, map[string]string{"role": string(Admin), "name": "link"})
}

func (d *door) useToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormSize)
	if err := r.ParseForm(); err != nil {
		d.page(w, http.StatusBadRequest, signInPage{Fault: "That could not be read."})
		return
	}
	sum := hashOf(strings.TrimSpace(r.PostForm.Get("token")))
	switch _, err := d.byToken(r.Context(), sum); {
	case errors.Is(err, errSignedOut):
		d.page(w, http.StatusUnauthorized, signInPage{Fault: "There is no such token."})
	case err != nil:
		d.cookies.ErrorFunc(w, r, err)
	default:
		d.letIn(w, r, map[string]string{"token": sum})
	}
}

// letIn starts a new cookie, so that one set beforehand by somebody else is
// worth nothing.
func (d *door) letIn(w http.ResponseWriter, r *http.Request, values map[string]string) {
	ctx := r.Context()
	if err := d.cookies.Clear(ctx); err != nil {
		d.cookies.ErrorFunc(w, r, err)
		return
	}
	if err := d.cookies.RenewToken(ctx); err != nil {
		d.cookies.ErrorFunc(w, r, err)
		return
	}
	for k, v := range values {
		d.cookies.Put(ctx, k, v)
	}
	d.log.Info("signed in", zap.String("by", values["name"]), zap.String("remote", r.RemoteAddr))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (d *door) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(d.cookies.Cookie.Name); err == nil {
		d.live.kick(hashOf(c.Value))
	}
	if err := d.cookies.Destroy(r.Context()); err != nil {
		d.cookies.ErrorFunc(w, r, err)
		return
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

func (d *door) page(w http.ResponseWriter, status int, p signInPage) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := d.pages.ExecuteTemplate(w, "signin.html", p); err != nil {
		d.log.Debug("sign-in page", zap.Error(err)) // the reader has gone
	}
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
