package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"firstline/call"
)

// API reads a running server.
type API struct {
	Base, Token string
	Client      *http.Client // nil: http.DefaultClient
}

// errRestless means that the board was never seen at an event that was read.
var errRestless = errors.New("the board could not be compared: it moved past every event that was read")

const (
	pageSize   = 500
	boardTries = 50
	boardPause = 20 * time.Millisecond // the board is a reader of the journal too, and may be a little behind or ahead
)

// Run reads the journal from its first event up to an instant at which it saw the
// board, compares the two there and, when no call is up, the SLA report, and
// returns what was found. It may be run while calls come and go.
func (a API) Run(ctx context.Context, cfg Config) (*Report, error) {
	c := New(cfg)
	var b *Board
	for tries := 0; ; {
		evs, err := a.events(ctx, c.Seq())
		if err != nil {
			return nil, err
		}
		for _, e := range evs {
			c.Apply(e)
			if b != nil && e.Global == b.Seq {
				c.Compare(b)
				return a.finish(ctx, c)
			}
		}
		if len(evs) == pageSize {
			continue
		}
		if b == nil || b.Seq < c.Seq() {
			if b, err = a.board(ctx); err != nil {
				return nil, err
			}
		}
		if b.Seq == c.Seq() {
			c.Compare(b)
			return a.finish(ctx, c)
		}
		if tries++; tries > boardTries {
			return nil, errRestless
		}
		select {
		case <-time.After(boardPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (a API) finish(ctx context.Context, c *Checker) (*Report, error) {
	if len(c.calls) == 0 { // else the report moves on while it is read
		if err := a.compareSLA(ctx, c); err != nil {
			return nil, err
		}
	}
	return c.Close(time.Now()), nil
}

func (a API) events(ctx context.Context, after int64) ([]call.Event, error) {
	var page struct {
		Events []call.Event `json:"events"`
	}
	err := a.get(ctx, "/api/v1/events?limit="+strconv.Itoa(pageSize)+"&after="+strconv.FormatInt(after, 10), &page)
	return page.Events, err
}

func (a API) board(ctx context.Context) (*Board, error) {
	b := &Board{}
	return b, a.get(ctx, "/api/v1/board", b)
}

// compareSLA holds the report over the whole journal to the fold's own count.
func (a API) compareSLA(ctx context.Context, c *Checker) error {
	q := url.Values{}
	q.Set("from", c.earliest.Add(-time.Minute).Format(time.RFC3339))
	q.Set("to", c.report.End.Add(time.Minute).Format(time.RFC3339))
	var rep struct {
		Queues []struct {
			Queue          call.QueueID `json:"queue"`
			Offered        int          `json:"offered"`
			Answered       int          `json:"answered"`
			Abandoned      int          `json:"abandoned"`
			AbandonedShort int          `json:"abandoned_short"`
			Other          int          `json:"other"`
			Waiting        int          `json:"waiting"`
		} `json:"queues"`
	}
	if err := a.get(ctx, "/api/v1/reports/sla?"+q.Encode(), &rep); err != nil {
		return err
	}
	for _, row := range rep.Queues {
		own := c.report.Queues[row.Queue]
		if sum := row.Answered + row.Abandoned + row.AbandonedShort + row.Other + row.Waiting; sum != row.Offered {
			c.broke(AddsUp, "queue %s: the report's outcomes add up to %d, offered %d", row.Queue, sum, row.Offered)
		}
		if row.Offered != own.Offered || row.Answered != own.Outcomes[call.OutcomeAnswered] ||
			row.Abandoned != own.Outcomes[call.OutcomeAbandoned] || row.AbandonedShort != own.Outcomes[call.OutcomeAbandonedShort] {
			c.broke(AddsUp, "queue %s: the report %+v is not the journal's %+v", row.Queue, row, own)
		}
	}
	return nil
}

// get decodes what the API answers.
func (a API) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Base+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.Token)
	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var problem struct{ Title, Detail string }
		_ = json.NewDecoder(resp.Body).Decode(&problem) // the status says it already
		return fmt.Errorf("the API answers %s to %s: %s %s", resp.Status, path, problem.Title, problem.Detail)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
