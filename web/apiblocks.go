package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/intake/block"
)

// Blocks is who is kept out: block.List, whose errors count, and what is kept of
// it. Unknown ids are ErrNotFound.
type Blocks interface {
	// Blocks returns the newest first.
	Blocks(ctx context.Context, f BlockFilter) ([]block.Block, error)
	Block(ctx context.Context, id call.BlockID) (block.Block, error)
	Propose(ctx context.Context, p BlockProposal) (block.Block, error)
	Approve(ctx context.Context, id call.BlockID, a block.Approval) (block.Block, error)
	Decline(ctx context.Context, id call.BlockID, by, reason string) (block.Block, error)
	Lift(ctx context.Context, id call.BlockID, by, reason string) (block.Block, error)
}

// BlockFilter narrows the list of blocks; a zero field does not narrow.
type BlockFilter struct {
	Live   *bool // true: only proposals and blocks in force; false: only those that are over
	Before call.BlockID
	Limit  int
}

// BlockProposal asks for a block.
type BlockProposal struct {
	Number     string       // as people write it; empty: the caller of Call
	Call       *call.Record // that gave cause; nil: none
	Reason     string
	Until      time.Time // zero: for ever
	By         string
	Supervisor bool // By is one
}

// Block keeps callers out, or is proposed to.
type Block struct {
	ID       call.BlockID `json:"id"`
	Number   string       `json:"number" doc:"E.164; with * at the end for all that begin so; or withheld"`
	State    string       `json:"state" enum:"proposed,in-force,expired,declined,lifted"`
	Holds    bool         `json:"holds" doc:"callers are kept out now; by a proposal too that the panic button made"`
	Reason   string       `json:"reason"`
	Call     call.ID      `json:"call,omitempty" doc:"that gave cause"`
	Proposed Act          `json:"proposed"`
	Approved *Act         `json:"approved,omitempty"`
	Ended    *Act         `json:"ended,omitempty" doc:"declined or lifted"`
	From     *time.Time   `json:"from,omitempty"`
	Until    *time.Time   `json:"until,omitempty" doc:"callers are admitted again from this second on; absent: no end, or nobody has said so yet"`
	Hold     *time.Time   `json:"hold_until,omitempty" doc:"a proposal keeps the caller out until then"`
	Refused  int          `json:"refused" doc:"calls that were kept out"`
	Latest   *time.Time   `json:"latest,omitempty" doc:"the last of them"`
}

// Act is what somebody did.
type Act struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Note string    `json:"note,omitempty"`
}

func blockView(b *block.Block, now time.Time) Block {
	act := func(a block.Act) *Act {
		if a.At.IsZero() {
			return nil
		}
		return new(Act(a))
	}
	v := Block{
		ID: b.ID, Number: string(b.Pattern), State: string(b.State), Holds: b.Holding(now), Reason: b.Reason, Call: b.Call,
		Proposed: Act(b.Proposal), Approved: act(b.Approval), Ended: act(b.End), From: instant(b.From), Until: instant(b.Until),
		Refused: b.Refused, Latest: instant(b.Latest),
	}
	switch {
	case b.State == block.Proposed:
		v.Hold = instant(b.Holds)
	case b.State == block.Approved && b.Over(now):
		v.State = "expired"
	case b.State == block.Approved:
		v.State = "in-force"
	}
	return v
}

type blocksIn struct {
	Paging
	Live string `query:"live" enum:"true,false" doc:"only proposals and blocks in force, or only those that are over"`
}

type blocksOut struct {
	Body struct {
		Blocks []Block `json:"blocks"`
		Next   string  `json:"next,omitempty" doc:"cursor of the next page"`
	}
}

type blockIn struct {
	ID call.BlockID `path:"id" maxLength:"100"`
}

type blockOut struct{ Body Block }

type proposeIn struct {
	Body struct {
		Number string     `json:"number,omitempty" maxLength:"40" doc:"with + and the country code or as it is dialled; with * at the end for all that begin so; or withheld. Left out, the caller of call"`
		Call   call.ID    `json:"call,omitempty" maxLength:"100" doc:"that gives cause"`
		Reason string     `json:"reason" minLength:"1" maxLength:"1000"`
		Until  *time.Time `json:"until,omitempty" doc:"to the second; left out, for ever, which only a supervisor may ask for"`
	}
}

type approveIn struct {
	ID   call.BlockID `path:"id" maxLength:"100"`
	Body struct {
		Until   *time.Time `json:"until,omitempty" doc:"to the second; left out, as proposed"`
		Forever bool       `json:"forever,omitempty" doc:"without an end"`
	}
}

type endBlockIn struct {
	ID   call.BlockID `path:"id" maxLength:"100"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000"`
	}
}

type panicIn struct {
	ID   call.ID `path:"id" maxLength:"100"`
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"1000"`
	}
}

type panicOut struct {
	Body struct {
		Block *Block `json:"block,omitempty" doc:"that is proposed or there already; absent where there can be none, as against one of our own phones"`
	}
}

func (s *Server) blockRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/blocks", "list-blocks", "Blocked callers and proposals, newest first", Agent), s.listBlocks)
	register(s, api, operation(http.MethodGet, "/blocks/{id}", "read-block", "One block with who did what", Agent, 404), s.readBlock)
	op := operation(http.MethodPost, "/blocks", "propose-block", "Propose to keep a caller out; a supervisor's own is in force at once", Agent, 404, 409, 422, 503)
	op.DefaultStatus = http.StatusCreated
	register(s, api, op, s.proposeBlock)
	register(s, api, operation(http.MethodPost, "/blocks/{id}/approve", "approve-block", "Bring a proposal into force, or give a block another end", Supervisor, 404, 409, 422, 503), s.approveBlock)
	register(s, api, operation(http.MethodPost, "/blocks/{id}/decline", "decline-block", "End a proposal", Supervisor, 404, 409, 422, 503), s.declineBlock)
	register(s, api, operation(http.MethodPost, "/blocks/{id}/lift", "lift-block", "End a block before its time", Supervisor, 404, 409, 422, 503), s.liftBlock)
	register(s, api, operation(http.MethodPost, "/calls/{id}/panic", "panic",
		"The panic button: end the conversation at once, keep its recording, and propose to block the caller, who is kept out for a while meanwhile",
		Agent, 409, 503), s.pressPanic)
}

func (s *Server) listBlocks(ctx context.Context, in *blocksIn) (*blocksOut, error) {
	f := BlockFilter{Before: call.BlockID(in.Cursor), Limit: in.Limit + 1}
	if in.Live != "" {
		f.Live = new(in.Live == "true")
	}
	rows, err := s.cfg.Blocks.Blocks(ctx, f)
	if err != nil {
		return nil, err
	}
	out, now := new(blocksOut), time.Now()
	rows, out.Body.Next = page(rows, in.Limit, func(b block.Block) string { return string(b.ID) })
	out.Body.Blocks = make([]Block, 0, len(rows))
	for i := range rows {
		out.Body.Blocks = append(out.Body.Blocks, blockView(&rows[i], now))
	}
	return out, nil
}

func (s *Server) readBlock(ctx context.Context, in *blockIn) (*blockOut, error) {
	return blockAnswer(s.cfg.Blocks.Block(ctx, in.ID))
}

func blockAnswer(b block.Block, err error) (*blockOut, error) {
	if err != nil {
		return nil, err
	}
	return &blockOut{blockView(&b, time.Now())}, nil
}

func (s *Server) proposeBlock(ctx context.Context, in *proposeIn) (*blockOut, error) {
	p := BlockProposal{Number: in.Body.Number, Reason: in.Body.Reason, By: s.by(ctx), Supervisor: whoOf(ctx).Role.may(Supervisor)}
	if in.Body.Until != nil {
		p.Until = *in.Body.Until
	}
	switch {
	case in.Body.Call != "":
		r, err := s.cfg.Calls.Call(ctx, in.Body.Call)
		if err != nil {
			return nil, err
		}
		p.Call = &r
	case p.Number == "":
		return nil, huma.Error422UnprocessableEntity("nobody is named: give a number, or the call whose caller it is")
	}
	return blockAnswer(s.cfg.Blocks.Propose(ctx, p))
}

func (s *Server) approveBlock(ctx context.Context, in *approveIn) (*blockOut, error) {
	if _, err := s.cfg.Blocks.Block(ctx, in.ID); err != nil {
		return nil, err
	}
	a := block.Approval{By: s.by(ctx), Forever: in.Body.Forever}
	if in.Body.Until != nil {
		a.Until = *in.Body.Until
	}
	return blockAnswer(s.cfg.Blocks.Approve(ctx, in.ID, a))
}

func (s *Server) declineBlock(ctx context.Context, in *endBlockIn) (*blockOut, error) {
	b, err := s.cfg.Blocks.Block(ctx, in.ID)
	if err != nil || b.State == block.Declined { // what is so already is not said twice
		return blockAnswer(b, err)
	}
	return blockAnswer(s.cfg.Blocks.Decline(ctx, in.ID, s.by(ctx), in.Body.Reason))
}

func (s *Server) liftBlock(ctx context.Context, in *endBlockIn) (*blockOut, error) {
	b, err := s.cfg.Blocks.Block(ctx, in.ID)
	if err != nil || b.State == block.Lifted {
		return blockAnswer(b, err)
	}
	return blockAnswer(s.cfg.Blocks.Lift(ctx, in.ID, s.by(ctx), in.Body.Reason))
}

// pressPanic does not look the call up first: the button works while the database
// is away.
func (s *Server) pressPanic(ctx context.Context, in *panicIn) (*panicOut, error) {
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	b, err := s.cfg.Talks.Panic(ctx, in.ID, s.by(ctx), reason)
	if err != nil {
		return nil, err
	}
	out := new(panicOut)
	if b.ID != "" {
		out.Body.Block = new(blockView(&b, time.Now()))
	}
	return out, nil
}
