package connect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"firstline/call"
	"firstline/tickets/connect/outgoing"
	"firstline/tickets/connect/sign"
)

// The names of a webhook's secrets.
const (
	SigningSecret = "signing"
	FormerSecret  = "signing-before" // signed with as well, for as long as Overlap
)

// Overlap is how long a signing secret is used beside the one that replaced it.
const Overlap = 24 * time.Hour

// rotate keeps the signing secret that is in use beside the new one; mu is held.
func (l *List) rotate(ctx context.Context, id call.EndpointID, fresh string) error {
	if _, err := sign.Parse(fresh); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	secrets, err := l.cfg.Vault.Secrets(ctx, id)
	if err != nil {
		return fmt.Errorf("secret of %s: %w", id, err)
	}
	was := secrets[SigningSecret]
	if was == "" || was == fresh {
		return nil
	}
	if err := l.cfg.Vault.PutSecret(ctx, id, FormerSecret, was); err != nil {
		return fmt.Errorf("secret of %s: %w", id, err)
	}
	return l.write(ctx, call.EndpointSecretSet{Endpoint: id, Secret: FormerSecret, By: "rotation"})
}

// webhook sends messages as they are, signed.
type webhook struct {
	client  *outgoing.Client
	url     string
	secrets []sign.Secret // the one in use, and with former the one before
	until   time.Time     // when the one before is used no more
}

// NewWebhook is a sender of signed webhooks.
func NewWebhook(client *outgoing.Client, p Endpoint, secrets map[string]string) (Sender, error) {
	w := &webhook{client: client, url: p.URL, until: p.Secrets[FormerSecret].Add(Overlap)}
	for _, name := range []string{SigningSecret, FormerSecret} {
		text := secrets[name]
		if text == "" && name == FormerSecret {
			continue
		}
		s, err := sign.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", name, p.ID, err)
		}
		w.secrets = append(w.secrets, s)
	}
	return w, nil
}

// Send implements Sender.
func (w *webhook) Send(ctx context.Context, d Delivery) Result {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(d.Payload))
	if err != nil {
		return Result{Verdict: Refused, Detail: "the address cannot be used"}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "firstline")
	now, secrets := time.Now(), w.secrets
	if now.After(w.until) {
		secrets = secrets[:1]
	}
	sign.Sign(r.Header, d.ID, now, d.Payload, secrets...)
	a, err := w.client.Do(r)
	if err != nil && a.Status/100 != 2 {
		return Failed(err)
	}
	return answered(a)
}

// Failed is what a request without an answer came to.
func Failed(err error) Result {
	if errors.Is(err, outgoing.ErrRefused) {
		return Result{Verdict: Again, Detail: outgoing.ErrRefused.Error(), Wide: true}
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address, which may hold a token
	}
	return Result{Verdict: Again, Detail: Trim(err.Error()), Wide: true}
}

// answered judges an answer by its status alone, as Standard Webhooks does: all but
// 2xx is tried again, 410 ends the endpoint.
func answered(a outgoing.Answer) Result {
	r := Result{Verdict: Again, Detail: StatusText(a.Status), After: a.RetryAfter}
	switch {
	case a.Status/100 == 2:
		return Result{Verdict: Taken, Detail: r.Detail}
	case a.Status == http.StatusGone:
		r.Verdict = Gone
	}
	r.Wide = a.Status == http.StatusTooManyRequests || a.Status >= 500 || a.Status/100 == 3
	return r
}

// StatusText is "503 Service Unavailable".
func StatusText(status int) string {
	return Trim(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// Trim makes a text from elsewhere short enough to be kept.
func Trim(s string) string {
	const most = 300
	if len(s) > most {
		s = s[:most]
	}
	return string(bytes.ToValidUTF8([]byte(s), nil))
}

// NewSigningSecret makes a secret for signing.
func NewSigningSecret() string { return sign.New().Text() }
