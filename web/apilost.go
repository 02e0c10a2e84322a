package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/intake/lost"
)

// Lost is the list of callers who left unserved. Unknown ids are ErrNotFound; what
// is said of one who is not on the list any more, lost.ErrUnknown.
type Lost interface {
	// LostItems returns the newest first.
	LostItems(ctx context.Context, f LostFilter) ([]lost.Item, error)
	LostItem(ctx context.Context, id call.LostID) (lost.Item, error)
	Try(ctx context.Context, id call.LostID, t lost.Try) (lost.Item, error)
	Resolve(ctx context.Context, id call.LostID, by, note string) (lost.Item, error)
	Decline(ctx context.Context, id call.LostID, by, reason string) (lost.Item, error)
}

// LostFilter narrows the list of lost callers; a zero field does not narrow.
type LostFilter struct {
	Open   *bool // true: only who is owed a call; false: only those with an end
	End    call.LostEnd
	Queue  call.QueueID
	Before call.LostID
	Limit  int
}

// LostCaller is a caller who left unserved through no wish of their own, from the
// first call to the one end.
type LostCaller struct {
	ID     call.LostID   `json:"id"`
	Call   call.ID       `json:"call" doc:"the first that nobody answered"`
	Ticket call.TicketID `json:"ticket" doc:"of that call"`
	From   Party         `json:"from" doc:"as signalled"`
	Number string        `json:"number,omitempty" doc:"in E.164 where it is one; empty when withheld"`
	Client string        `json:"client,omitempty"`
	LostNote
	Calls   []LostCall   `json:"calls" doc:"that nobody answered, oldest first; of many, the first and the latest"`
	Count   int          `json:"count" doc:"of those calls"`
	Tries   []LostTry    `json:"tries"`
	Open    bool         `json:"open" doc:"somebody has to call back"`
	Ended   *time.Time   `json:"ended,omitempty"`
	End     call.LostEnd `json:"end,omitempty" enum:"called-back,called-again-and-answered,resolved-elsewhere,unreachable,declined"`
	EndedBy string       `json:"ended_by,omitempty"`
	Answer  call.ID      `json:"answer,omitempty" doc:"the call in which the caller was answered"`
	Note    string       `json:"note,omitempty" doc:"of the end"`
}

// LostCall is one call that nobody answered.
type LostCall struct {
	Call   call.ID       `json:"call"`
	Ticket call.TicketID `json:"ticket"`
	LostNote
}

// LostTry is one try to call back.
type LostTry struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Reached bool      `json:"reached"`
	Call    call.ID   `json:"call,omitempty" doc:"that the server placed"`
	Note    string    `json:"note,omitempty"`
}

func lostView(it *lost.Item) LostCaller {
	v := LostCaller{
		ID: it.ID, Call: it.Calls[0].ID, Ticket: it.Ticket, From: Party(it.From), Number: it.Number, Client: it.Client,
		LostNote: LostNote{At: it.Opened, Queue: it.Queue, Joined: it.Joined, Reason: it.Calls[0].Reason},
		Calls:    []LostCall{}, Count: it.Count, Tries: []LostTry{}, Open: it.Open(),
		Ended: instant(it.Ended), End: it.End, EndedBy: it.By, Answer: it.Answer, Note: it.Note,
	}
	for _, c := range it.Calls {
		v.Calls = append(v.Calls, LostCall{Call: c.ID, Ticket: c.Ticket, LostNote: LostNote{At: c.At, Queue: c.Queue, Joined: c.Joined, Reason: c.Reason}})
	}
	for _, t := range it.Tries {
		v.Tries = append(v.Tries, LostTry(t))
	}
	return v
}

type lostListIn struct {
	Paging
	State string       `query:"state" default:"open" enum:"open,ended,all"`
	End   call.LostEnd `query:"end" enum:"called-back,called-again-and-answered,resolved-elsewhere,unreachable,declined"`
	Queue call.QueueID `query:"queue" maxLength:"100" doc:"of the first call"`
}

type lostListOut struct {
	Body struct {
		Callers []LostCaller `json:"callers"`
		Next    string       `json:"next,omitempty" doc:"cursor of the next page"`
	}
}

type lostIn struct {
	ID call.LostID `path:"id" maxLength:"100"`
}

type lostOut struct{ Body LostCaller }

type lostTryIn struct {
	ID   call.LostID `path:"id" maxLength:"100"`
	Body struct {
		Reached bool   `json:"reached" doc:"the caller was spoken to, and is off the list; after so many tries in vain they are unreachable"`
		Note    string `json:"note,omitempty" maxLength:"1000"`
	}
}

type lostResolveIn struct {
	ID   call.LostID `path:"id" maxLength:"100"`
	Body struct {
		Note string `json:"note,omitempty" maxLength:"1000" doc:"where and how"`
	}
}

type lostDeclineIn struct {
	ID   call.LostID `path:"id" maxLength:"100"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"why nobody calls back"`
	}
}

func (s *Server) lostRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/lost-callers", "list-lost-callers", "Callers who left unserved, newest first; those to call back unless another state is asked for", Agent), s.listLost)
	register(s, api, operation(http.MethodGet, "/lost-callers/{id}", "read-lost-caller", "One lost caller with the calls and the tries", Agent, 404), s.readLost)
	op := operation(http.MethodPost, "/lost-callers/{id}/tries", "try-lost-caller", "Say that somebody tried to call back, and whether the caller was reached", Agent, 404, 409, 422, 503)
	register(s, api, op, s.tryLost)
	op = operation(http.MethodPost, "/lost-callers/{id}/resolve", "resolve-lost-caller", "Take a caller off the list whose problem was settled another way", Agent, 404, 409, 422, 503)
	register(s, api, op, s.resolveLost)
	op = operation(http.MethodPost, "/lost-callers/{id}/decline", "decline-lost-caller", "Take a caller off the list whom nobody calls back", Agent, 404, 409, 422, 503)
	register(s, api, op, s.declineLost)
}

func (s *Server) listLost(ctx context.Context, in *lostListIn) (*lostListOut, error) {
	f := LostFilter{End: in.End, Queue: in.Queue, Before: call.LostID(in.Cursor), Limit: in.Limit + 1}
	if in.State != "all" {
		f.Open = new(in.State == "open")
	}
	rows, err := s.cfg.Lost.LostItems(ctx, f)
	if err != nil {
		return nil, err
	}
	out := new(lostListOut)
	rows, out.Body.Next = page(rows, in.Limit, func(it lost.Item) string { return string(it.ID) })
	out.Body.Callers = make([]LostCaller, 0, len(rows))
	for i := range rows {
		out.Body.Callers = append(out.Body.Callers, lostView(&rows[i]))
	}
	return out, nil
}

func (s *Server) readLost(ctx context.Context, in *lostIn) (*lostOut, error) {
	return lostAnswer(s.cfg.Lost.LostItem(ctx, in.ID))
}

func lostAnswer(it lost.Item, err error) (*lostOut, error) {
	if err != nil {
		return nil, err
	}
	return &lostOut{lostView(&it)}, nil
}

func (s *Server) tryLost(ctx context.Context, in *lostTryIn) (*lostOut, error) {
	if _, err := s.cfg.Lost.LostItem(ctx, in.ID); err != nil {
		return nil, err
	}
	return lostAnswer(s.cfg.Lost.Try(ctx, in.ID, lost.Try{By: s.by(ctx), Reached: in.Body.Reached, Note: in.Body.Note}))
}

func (s *Server) resolveLost(ctx context.Context, in *lostResolveIn) (*lostOut, error) {
	it, err := s.cfg.Lost.LostItem(ctx, in.ID)
	if err != nil || it.End == call.LostResolved { // what is so already is not said twice
		return lostAnswer(it, err)
	}
	return lostAnswer(s.cfg.Lost.Resolve(ctx, in.ID, s.by(ctx), in.Body.Note))
}

func (s *Server) declineLost(ctx context.Context, in *lostDeclineIn) (*lostOut, error) {
	it, err := s.cfg.Lost.LostItem(ctx, in.ID)
	if err != nil || it.End == call.LostDeclined {
		return lostAnswer(it, err)
	}
	return lostAnswer(s.cfg.Lost.Decline(ctx, in.ID, s.by(ctx), in.Body.Reason))
}
