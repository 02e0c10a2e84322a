package block

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"firstline/call"
)

// Errors that callers can match.
var (
	// ErrUnknown means that there is no such block that anything could come of.
	ErrUnknown = errors.New("block: no such block in force or proposed")
	// ErrInvalid means that what is asked breaks a rule; the text says which.
	ErrInvalid = errors.New("block: not valid")
	// ErrExists means that there is one for the same callers already.
	ErrExists = errors.New("block: there is one already")
	// ErrState means that the block is not at the point for that.
	ErrState = errors.New("block: not in the state for that")
)

// LongestReason is how many characters a reason may have.
const LongestReason = 1000

// defaultHold is how long a proposal by the panic button keeps a caller out.
const defaultHold = time.Hour

// Config is what a List needs.
type Config struct {
	Journal call.Journal
	Exempt  func(number string) bool // numbers that are never kept out: an agent's, an emergency service's; nil: none
	Hold    func() time.Duration     // how long a proposal by the panic button keeps a caller out; nil: 1 h; 0: not at all
	Log     *zap.Logger              // nil means none
}

// List is the blocks in force and the proposals. Its methods are safe for use by
// many goroutines; changes happen one after the other.
type List struct {
	cfg  Config
	log  *zap.Logger
	turn chan struct{} // capacity 1: held by the change under way

	mu     sync.RWMutex // guards blocks, whose values do not change
	blocks map[Pattern]*Block
}

// New returns the list as the last process left it: live is the blocks in force and
// the proposals.
func New(cfg Config, live []Block) *List {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Exempt == nil {
		cfg.Exempt = func(string) bool { return false }
	}
	l := &List{cfg: cfg, log: cfg.Log, turn: make(chan struct{}, 1), blocks: make(map[Pattern]*Block)}
	for _, b := range live {
		l.blocks[b.Pattern] = &b
	}
	return l
}

// Blocking is the block that keeps a caller out who comes at an instant, by the
// number in its normal form (empty when withheld), and whether there is one.
func (l *List) Blocking(number string, at time.Time) (Block, bool) {
	b, out := l.covering(number, at)
	if out && number != "" && l.cfg.Exempt(number) {
		return Block{}, false
	}
	return b, out
}

func (l *List) covering(number string, at time.Time) (Block, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, p := range covering(number) {
		if b := l.blocks[p]; b != nil && b.Holding(at) {
			return *b, true
		}
	}
	return Block{}, false
}

// Refused counts a call that a block kept out.
func (l *List) Refused(b Block, c call.ID, at time.Time) {
	e := call.BlockEvent(at, b.ID, call.BlockRefused{Call: c})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cfg.Journal.Post(e)
	if now := l.blocks[b.Pattern]; now != nil && now.ID == b.ID {
		counted := *now
		if err := counted.Apply(e); err != nil {
			l.log.Error("block", zap.Error(err)) // a rule of ours was broken
		}
		l.blocks[b.Pattern] = &counted
	}
}

// Proposal is what somebody asks for.
type Proposal struct {
	Pattern    Pattern
	Reason     string
	Until      time.Time // to the second; zero: for ever, which only a supervisor may ask for
	Call       call.ID   // that gave cause
	By         string
	Supervisor bool // By is one: the block is in force at once
}

// Propose opens a block. ErrInvalid; ErrExists when one is proposed or in force for
// the same callers.
func (l *List) Propose(ctx context.Context, p Proposal) (Block, error) {
	release, err := l.change(ctx)
	if err != nil {
		return Block{}, err
	}
	defer release()
	now := call.Instant(time.Now())
	p.Reason, p.Until = strings.TrimSpace(p.Reason), seconds(p.Until)
	if err := l.valid(p, now); err != nil {
		return Block{}, err
	}
	if b := l.live(p.Pattern, now); b != nil {
		return Block{}, fmt.Errorf("%w: %s is %s, by %s", ErrExists, b.ID, b.State, b.Proposal.By)
	}
	id := call.BlockID(call.NewUUID(now))
	evs := []call.Event{call.BlockEvent(now, id, call.BlockProposed{
		Number: string(p.Pattern), Reason: p.Reason, By: p.By, Until: p.Until, Call: p.Call,
	})}
	if p.Supervisor {
		evs = append(evs, call.BlockEvent(now, id, call.BlockApproved{By: p.By, From: now, Until: p.Until}))
	}
	return l.write(ctx, Block{}, evs)
}

func (l *List) valid(p Proposal, now time.Time) error {
	switch {
	case p.Pattern == "":
		return fmt.Errorf("%w: it names nobody", ErrInvalid)
	case p.By == "":
		return fmt.Errorf("%w: nobody proposes it", ErrInvalid)
	case p.Until.IsZero() && !p.Supervisor:
		return fmt.Errorf("%w: a block without an end is for a supervisor; say until when", ErrInvalid)
	case !p.Until.IsZero() && !p.Until.After(now):
		return fmt.Errorf("%w: it would be over before it begins", ErrInvalid)
	case l.cfg.Exempt(string(p.Pattern)):
		return fmt.Errorf("%w: %s is a number that is never kept out", ErrInvalid, p.Pattern)
	}
	return validReason(p.Reason)
}

func validReason(reason string) error {
	switch {
	case strings.TrimSpace(reason) == "":
		return fmt.Errorf("%w: say why", ErrInvalid)
	case utf8.RuneCountInString(reason) > LongestReason:
		return fmt.Errorf("%w: the reason is longer than %d characters", ErrInvalid, LongestReason)
	}
	return nil
}

// Press is a press of the panic button.
type Press struct {
	Number string // the caller's in its normal form; empty when withheld
	Call   call.ID
	By     string
	Reason string
}

// Pressed proposes to block a caller whom an agent has just cut off, and writes
// story in front, as one. The proposal keeps the caller out by itself for a while;
// not so one for all who withhold their number: that is for a supervisor to say. A
// proposal that there is already is renewed, a block in force is left as it is.
// Story is written also where no block can be; the zero Block says so.
func (l *List) Pressed(ctx context.Context, p Press, story ...call.Event) (Block, error) {
	release, err := l.change(ctx)
	if err != nil {
		return Block{}, err
	}
	defer release()
	now := call.Instant(time.Now())
	pattern := Of(p.Number)
	var holds time.Time
	if d := l.hold(); d > 0 && pattern != Withheld {
		holds = now.Add(d)
	}
	was := l.live(pattern, now)
	switch {
	case pattern == "", p.Number != "" && l.cfg.Exempt(p.Number):
		return Block{}, l.cfg.Journal.Append(ctx, story...)
	case was == nil:
		id := call.BlockID(call.NewUUID(now))
		return l.write(ctx, Block{}, append(story, call.BlockEvent(now, id, call.BlockProposed{
			Number: string(pattern), Reason: reasonOr(p.Reason), By: p.By, Call: p.Call, Holds: holds,
		})))
	case was.State == Proposed:
		return l.write(ctx, *was, append(story, call.BlockEvent(now, was.ID, call.BlockPressed{By: p.By, Call: p.Call, Holds: holds})))
	}
	return *was, l.cfg.Journal.Append(ctx, story...)
}

func reasonOr(reason string) string {
	if reason = strings.TrimSpace(reason); reason == "" {
		return "panic button"
	}
	return reason
}

func (l *List) hold() time.Duration {
	if l.cfg.Hold == nil {
		return defaultHold
	}
	return l.cfg.Hold()
}

// Approval is a supervisor's word on a block.
type Approval struct {
	By      string
	Until   time.Time // to the second; zero: as proposed
	Forever bool      // without an end
}

// Approve brings a proposal into force, or gives a block in force another end.
// ErrUnknown, ErrInvalid.
func (l *List) Approve(ctx context.Context, id call.BlockID, a Approval) (Block, error) {
	return l.act(ctx, id, func(b Block, now time.Time) (call.Body, error) {
		until := seconds(a.Until)
		switch {
		case a.By == "":
			return nil, fmt.Errorf("%w: nobody approves it", ErrInvalid)
		case a.Forever && !until.IsZero():
			return nil, fmt.Errorf("%w: it has an end, or is for ever", ErrInvalid)
		case !a.Forever && until.IsZero():
			until = b.Until
		}
		switch {
		case until.IsZero() && !a.Forever && b.State == Proposed:
			return nil, fmt.Errorf("%w: say until when, or that it is for ever", ErrInvalid)
		case !until.IsZero() && !until.After(now):
			return nil, fmt.Errorf("%w: it would be over before it begins; say until when", ErrInvalid)
		}
		from := b.From
		if from.IsZero() {
			from = now
		}
		return call.BlockApproved{By: a.By, From: from, Until: until}, nil
	})
}

// Decline ends a proposal. ErrUnknown; ErrState for a block in force; ErrInvalid
// without a reason.
func (l *List) Decline(ctx context.Context, id call.BlockID, by, reason string) (Block, error) {
	return l.act(ctx, id, func(b Block, _ time.Time) (call.Body, error) {
		if b.State != Proposed {
			return nil, fmt.Errorf("%w: %s is in force; lift it", ErrState, b.ID)
		}
		return call.BlockDeclined{By: by, Reason: strings.TrimSpace(reason)}, validReason(reason)
	})
}

// Lift ends a block in force. ErrUnknown; ErrState for a proposal; ErrInvalid
// without a reason.
func (l *List) Lift(ctx context.Context, id call.BlockID, by, reason string) (Block, error) {
	return l.act(ctx, id, func(b Block, _ time.Time) (call.Body, error) {
		if b.State != Approved {
			return nil, fmt.Errorf("%w: %s is a proposal; decline it", ErrState, b.ID)
		}
		return call.BlockLifted{By: by, Reason: strings.TrimSpace(reason)}, validReason(reason)
	})
}

// act writes what a supervisor says of a block that is live.
func (l *List) act(ctx context.Context, id call.BlockID, decide func(Block, time.Time) (call.Body, error)) (Block, error) {
	release, err := l.change(ctx)
	if err != nil {
		return Block{}, err
	}
	defer release()
	now := call.Instant(time.Now())
	b := l.byID(id, now)
	if b == nil {
		return Block{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	body, err := decide(*b, now)
	if err != nil {
		return Block{}, err
	}
	return l.write(ctx, *b, []call.Event{call.BlockEvent(now, id, body)})
}

// change takes the turn, until release is called. It fails when ctx ends first.
func (l *List) change(ctx context.Context) (release func(), err error) {
	select {
	case l.turn <- struct{}{}:
		return func() { <-l.turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// write makes events durable, and then so. An error means that nothing has changed.
func (l *List) write(ctx context.Context, b Block, evs []call.Event) (Block, error) {
	for _, e := range evs {
		if e.Stream.Kind != call.StreamBlock {
			continue
		}
		if err := b.Apply(e); err != nil {
			return Block{}, err
		}
	}
	if err := l.cfg.Journal.Append(ctx, evs...); err != nil {
		return Block{}, fmt.Errorf("block: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.Over(call.Instant(time.Now())) {
		delete(l.blocks, b.Pattern)
	} else {
		l.blocks[b.Pattern] = &b
	}
	l.log.Info("block", zap.String("block", string(b.ID)), zap.String("state", string(b.State)), zap.Time("until", b.Until))
	return b, nil
}

// live is the block for the same callers that is proposed or in force, or nil. What
// is over by now is forgotten.
func (l *List) live(p Pattern, now time.Time) *Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, b := range l.blocks {
		if b.Over(now) {
			delete(l.blocks, p)
		}
	}
	return l.blocks[p]
}

func (l *List) byID(id call.BlockID, now time.Time) *Block {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, b := range l.blocks {
		if b.ID == id && !b.Over(now) {
			return b
		}
	}
	return nil
}

// Live returns the proposals and the blocks in force at an instant, oldest first.
func (l *List) Live(at time.Time) []Block {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []Block
	for _, b := range l.blocks {
		if !b.Over(at) {
			out = append(out, *b)
		}
	}
	slices.SortFunc(out, func(a, b Block) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// seconds is an end to the second.
func seconds(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}
