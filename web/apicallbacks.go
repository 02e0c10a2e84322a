package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
)

// Callbacks reads and changes requests to be called back. Unknown ids are
// ErrNotFound, changes of one that has ended ErrConflict.
type Callbacks interface {
	// Callbacks returns the newest first.
	Callbacks(ctx context.Context, f CallbackFilter) ([]call.Callback, error)
	Callback(ctx context.Context, id call.CallbackID) (call.Callback, error)
	ChangeCallback(ctx context.Context, id call.CallbackID, to call.CallbackChanged) error
	WithdrawCallback(ctx context.Context, id call.CallbackID, by, reason string) error
	SettleCallback(ctx context.Context, id call.CallbackID, by, note string) error
}

// CallbackFilter narrows a list of requests; a zero field does not narrow.
type CallbackFilter struct {
	Open   *bool
	Queue  call.QueueID
	Ticket call.TicketID
	Before call.CallbackID // only requests made before this one
	Limit  int
}

// Callback is one request to be called back.
type Callback struct {
	ID       call.CallbackID    `json:"id"`
	Asked    time.Time          `json:"asked"`
	Call     call.ID            `json:"call" doc:"that asked for it"`
	Ticket   call.TicketID      `json:"ticket"`
	Customer Party              `json:"customer" doc:"whom to call"`
	Line     string             `json:"line" doc:"the number that the customer had dialled"`
	Queue    call.QueueID       `json:"queue"`
	Priority int                `json:"priority,omitempty"`
	Joined   time.Time          `json:"joined" doc:"the original arrival, at which it keeps its place"`
	First    call.CallbackOrder `json:"first" enum:"agent,customer"`
	After    *time.Time         `json:"after,omitempty" doc:"not called before"`
	Expires  time.Time          `json:"expires"`
	Held     bool               `json:"held,omitempty" doc:"until a supervisor releases it"`
	By       string             `json:"by"`
	Message  call.RecordingID   `json:"message,omitempty" doc:"recording of the message that the customer left; there may be no number then"`
	Live     bool               `json:"live" doc:"an attempt is under way"`
	Attempts []CallbackAttempt  `json:"attempts"`
	End      call.CallbackEnd   `json:"end,omitempty" enum:"reached,redialled,unreachable,expired,withdrawn,settled"`
	Ended    *time.Time         `json:"ended,omitempty"`
	EndedBy  string             `json:"ended_by,omitempty"`
	Reason   string             `json:"reason,omitempty"`
	Answered call.ID            `json:"answered,omitempty" doc:"the call by which it ended"`
}

// CallbackAttempt is one try to reach the customer.
type CallbackAttempt struct {
	Call   call.ID    `json:"call"`
	Began  time.Time  `json:"began"`
	Ended  *time.Time `json:"ended,omitempty"`
	Cause  *Cause     `json:"cause,omitempty"`
	Counts bool       `json:"counts,omitempty" doc:"the customer was not there"`
}

func callbackView(c *call.Callback) Callback {
	v := Callback{
		ID: c.ID, Asked: c.At, Call: c.Call, Ticket: c.Ticket, Customer: Party(c.Customer), Line: c.Line.Number, Queue: c.Queue,
		Priority: c.Priority, Joined: c.Joined, First: c.First, After: instant(c.After), Expires: c.Expires, Held: c.Held, By: c.By, Message: c.Message,
		Live: c.Live() != nil, Attempts: []CallbackAttempt{}, End: c.End, Ended: instant(c.Ended), EndedBy: c.EndedBy,
		Reason: c.Reason, Answered: c.Answered,
	}
	for _, a := range c.Attempts {
		v.Attempts = append(v.Attempts, CallbackAttempt{
			Call: a.Call, Began: a.Began, Ended: instant(a.Ended), Cause: causeView(a.Cause), Counts: a.Counts,
		})
	}
	return v
}

type callbacksIn struct {
	Paging
	Open   string        `query:"open" enum:"true,false" doc:"only requests that are open, or only those that ended"`
	Queue  call.QueueID  `query:"queue" maxLength:"100"`
	Ticket call.TicketID `query:"ticket" maxLength:"100"`
}

type callbacksOut struct {
	Body struct {
		Callbacks []Callback `json:"callbacks"`
		Next      string     `json:"next,omitempty" doc:"cursor of the next page"`
	}
}

type callbackIn struct {
	ID call.CallbackID `path:"id" maxLength:"100"`
}

type callbackOut struct{ Body Callback }

type changeCallbackIn struct {
	ID   call.CallbackID `path:"id" maxLength:"100"`
	Body struct {
		Number  string     `json:"number,omitempty" maxLength:"20" pattern:"^\\+?[0-9]{2,16}$"`
		After   *time.Time `json:"after,omitempty" doc:"not to be called before"`
		Release bool       `json:"release,omitempty" doc:"let one that is held be called"`
	}
}

type withdrawCallbackIn struct {
	ID   call.CallbackID `path:"id" maxLength:"100"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"200"`
	}
}

type settleCallbackIn struct {
	ID   call.CallbackID `path:"id" maxLength:"100"`
	Body struct {
		Note string `json:"note,omitempty" maxLength:"1000"`
	}
}

func (s *Server) callbackRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/callbacks", "list-callbacks", "Requests to be called back, newest first", Agent), s.listCallbacks)
	register(s, api, operation(http.MethodGet, "/callbacks/{id}", "read-callback", "One request with its attempts", Agent, 404), s.readCallback)
	register(s, api, operation(http.MethodPatch, "/callbacks/{id}", "change-callback", "Give a request another number or time, or release it", Supervisor, 404, 409, 422), s.changeCallback)
	register(s, api, operation(http.MethodPost, "/callbacks/{id}/withdraw", "withdraw-callback", "End a request without calling", Supervisor, 404, 409), s.withdrawCallback)
	register(s, api, operation(http.MethodPost, "/callbacks/{id}/settle", "settle-callback", "Say that nothing is left to do: the message was heard, for example", Agent, 404, 409), s.settleCallback)
}

func (s *Server) listCallbacks(ctx context.Context, in *callbacksIn) (*callbacksOut, error) {
	f := CallbackFilter{Queue: in.Queue, Ticket: in.Ticket, Before: call.CallbackID(in.Cursor), Limit: in.Limit + 1}
	if in.Open != "" {
		f.Open = new(in.Open == "true")
	}
	rows, err := s.cfg.Callbacks.Callbacks(ctx, f)
	if err != nil {
		return nil, err
	}
	out := new(callbacksOut)
	rows, out.Body.Next = page(rows, in.Limit, func(c call.Callback) string { return string(c.ID) })
	out.Body.Callbacks = make([]Callback, 0, len(rows))
	for i := range rows {
		out.Body.Callbacks = append(out.Body.Callbacks, callbackView(&rows[i]))
	}
	return out, nil
}

func (s *Server) readCallback(ctx context.Context, in *callbackIn) (*callbackOut, error) {
	c, err := s.cfg.Callbacks.Callback(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &callbackOut{Body: callbackView(&c)}, nil
}

func (s *Server) changeCallback(ctx context.Context, in *changeCallbackIn) (*struct{}, error) {
	to := call.CallbackChanged{Number: in.Body.Number, Release: in.Body.Release, By: s.by(ctx)}
	if in.Body.After != nil {
		to.After = call.Instant(*in.Body.After)
	}
	if to.Number == "" && to.After.IsZero() && !to.Release {
		return nil, huma.Error422UnprocessableEntity("nothing is to be changed: give number, after or release")
	}
	return nil, s.cfg.Callbacks.ChangeCallback(ctx, in.ID, to)
}

func (s *Server) withdrawCallback(ctx context.Context, in *withdrawCallbackIn) (*struct{}, error) {
	return nil, s.cfg.Callbacks.WithdrawCallback(ctx, in.ID, s.by(ctx), in.Body.Reason)
}

func (s *Server) settleCallback(ctx context.Context, in *settleCallbackIn) (*struct{}, error) {
	return nil, s.cfg.Callbacks.SettleCallback(ctx, in.ID, s.by(ctx), in.Body.Note)
}
