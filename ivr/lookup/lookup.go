// Package lookup asks other systems about callers over HTTP, while the caller
// waits: in one request of JSON, within a budget, and without a second try. What is
// sent and answered is in no error and no log, since it may hold a secret.
package lookup

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Limits of one lookup.
const (
	Budget = 800 * time.Millisecond // unless the centre gives less
	most   = 64 << 10               // bytes of an answer
)

// Errors that a caller can match.
var (
	// ErrMissing means that the system knows nobody of the kind (404).
	ErrMissing = errors.New("lookup: nobody is known")
	// ErrAnswer means that the answer is none of ours: another status, no JSON object.
	ErrAnswer = errors.New("lookup: not an answer")
)

// Target is a system that can be asked.
type Target struct {
	URL    string
	Token  string        // sent as a bearer token; empty for none
	Budget time.Duration // 0 means Budget
}

// Client asks targets. The zero Client may be used.
type Client struct {
	HTTP http.Client // its redirects are not followed
}

// Ask posts a JSON object of texts, and returns the fields of the object that is
// answered: texts, numbers (float64) and truth values. It returns within the
// target's budget.
func (c *Client) Ask(ctx context.Context, t Target, ask map[string]string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(t.Budget, Budget))
	defer cancel()
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, fmt.Errorf("lookup: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("lookup: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if t.Token != "" {
		req.Header.Set("Authorization", "Bearer "+t.Token)
	}
	client := c.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("lookup: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, ErrMissing
	default:
		return nil, fmt.Errorf("%w: %s", ErrAnswer, resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("lookup: %w", err)
	}
	var answer map[string]any
	if len(data) > most || json.Unmarshal(data, &answer) != nil || answer == nil {
		return nil, fmt.Errorf("%w: no JSON object of at most %d bytes", ErrAnswer, most)
	}
	return answer, nil
}
