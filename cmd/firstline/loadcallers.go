package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"firstline/call"
	"firstline/sip"
	"firstline/sip/media"
)

// loadStage is where a caller was.
type loadStage string

const (
	stageRing  loadStage = "ring"
	stageMenu  loadStage = "menu"
	stageQueue loadStage = "queue"
	stageOffer loadStage = "offer" // while an agent's phone rang
	stageTalk  loadStage = "talk"
	stageNone  loadStage = ""
)

// loadPlan is what a caller will do, drawn before the call.
type loadPlan struct {
	number     string
	leaves     loadStage     // where this caller hangs up on an impulse; stageNone: nowhere
	after      time.Duration // so long after the stage began
	keys       string
	pressAfter time.Duration
	patience   time.Duration // from the last key
	talk       time.Duration
	agentEnds  bool
}

// plan draws a caller. Each draws the same number of chances, so that a change of
// one parameter leaves the others' draws alone.
func (c *loadCommand) plan(r *rand.Rand, number string) loadPlan {
	stages := []struct {
		stage  loadStage
		within time.Duration
	}{
		{stageRing, 40 * time.Millisecond},
		{stageMenu, 8 * time.Second},
		{stageQueue, c.Patience},
		{stageOffer, min(c.Answer, 2*time.Second)},
		{stageTalk, min(c.Talk, 3*time.Second)},
	}
	at := stages[r.IntN(len(stages))]
	p := loadPlan{
		number: number, after: time.Duration(r.Float64() * float64(at.within)),
		pressAfter: 500*time.Millisecond + time.Duration(r.Float64()*float64(3*time.Second)),
		patience:   exponential(r, c.Patience), talk: exponential(r, c.Talk), agentEnds: r.IntN(2) == 0,
	}
	if r.Float64() < c.Hangup {
		p.leaves = at.stage
	}
	if len(c.Press) > 0 {
		if p.keys = c.Press[r.IntN(len(c.Press))]; p.keys == "-" {
			p.keys = ""
		}
	}
	return p
}

// placeCalls lets calls arrive until their number or time is up, and waits until
// the last of them is over.
func (l *loadRun) placeCalls(ctx context.Context, line *sip.Phone) {
	began := time.Now()
	chance := rand.New(rand.NewPCG(l.c.Seed, 0))
	free := make([]int, l.c.Callers)
	for i := range free {
		free[i] = i
	}
	back := make(chan int, l.c.Callers)
	calls, hangUpAll := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUpAll()
	var wg sync.WaitGroup
	over := time.NewTimer(l.c.Duration)
	defer over.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	for placed, open := 0, true; open && (l.c.Calls == 0 || placed < l.c.Calls); {
		select {
		case who := <-back:
			free = append(free, who)
		case <-next.C:
			next.Reset(time.Duration(chance.ExpFloat64() / l.c.Rate * float64(time.Second)))
			i := chance.IntN(max(len(free), 1))
			if len(free) == 0 || l.c.Callers-len(free) >= l.c.Concurrent {
				l.tally.add(func(r *loadReport) { r.HeldBack++ })
				continue
			}
			who := free[i]
			free = append(free[:i], free[i+1:]...)
			plan := l.c.plan(chance, fmt.Sprintf("+1555%09d", 100000000+who))
			placed++
			wg.Go(func() { l.phoneIn(calls, line, plan); back <- who })
		case <-over.C:
			open = false
		case <-ctx.Done():
			open = false
		}
	}
	l.tally.add(func(r *loadReport) { r.stage, r.placing = "draining", time.Since(began) })
	drained := make(chan struct{})
	wg.Go(func() { // who is left when the drain is over, or we are told to end, is hung up
		select {
		case <-time.After(l.c.Drain):
		case <-ctx.Done():
		case <-drained:
		}
		hangUpAll()
	})
	for n := l.c.Callers - len(free); n > 0; n-- {
		<-back
	}
	close(drained)
	wg.Wait()
}

// phoneIn is one call from its INVITE to its end.
func (l *loadRun) phoneIn(ctx context.Context, line *sip.Phone, plan loadPlan) {
	l.tally.add(func(r *loadReport) { r.Placed++; r.now.calls++ })
	v := l.book.open(plan)
	end := l.ride(ctx, line, v)
	l.book.close(v)
	l.tally.add(func(r *loadReport) { r.now.calls--; end(r) })
}

// ride returns what the call is to be counted as.
func (l *loadRun) ride(ctx context.Context, line *sip.Phone, v *loadVisit) func(*loadReport) {
	began := time.Now()
	leg, err := line.DialFrom(ctx, v.plan.number, l.c.Number, nil)
	if err != nil {
		return failed("dial: " + firstWords(err))
	}
	defer func() { _ = leg.Hangup(context.WithoutCancel(ctx), call.Cause{Reason: call.Completed}) }()
	ring, stop := ctx, func() {}
	if v.plan.leaves == stageRing {
		ring, stop = context.WithTimeout(ctx, v.plan.after)
	}
	err = call.AwaitAnswer(ring, leg, nil)
	stop()
	switch {
	case err != nil && leg.Context().Err() != nil:
		return refused(call.CauseOf(leg.Context()))
	case err != nil && ctx.Err() != nil:
		return func(r *loadReport) { r.CutOff++ }
	case err != nil:
		return abandoned(stageRing)
	}
	answered := time.Now()
	l.tally.add(func(r *loadReport) { r.Answered++; r.setup.add(answered.Sub(began)) })
	return l.wait(ctx, leg, v, answered)
}

// wait is the menu and the queue.
func (l *loadRun) wait(ctx context.Context, leg *sip.PhoneCall, v *loadVisit, answered time.Time) func(*loadReport) {
	at, waits, rang := stageMenu, answered, v.ringing
	patience, press, impulse := time.NewTimer(v.plan.patience), time.NewTimer(v.plan.pressAfter), time.NewTimer(time.Hour)
	defer patience.Stop()
	defer press.Stop()
	defer impulse.Stop()
	if v.plan.leaves == stageMenu || v.plan.leaves == stageQueue {
		impulse.Reset(v.plan.after)
	}
	for {
		select {
		case <-press.C:
			at = stageQueue
			if v.plan.keys != "" {
				_ = leg.SendDTMF(leg.Context(), v.plan.keys) // a leg that ended is seen below
				waits = time.Now()
				patience.Reset(v.plan.patience)
			}
		case <-rang:
			at, rang = stageOffer, nil
			if v.plan.leaves == stageOffer {
				impulse.Reset(v.plan.after)
			}
		case <-impulse.C:
			return abandoned(at)
		case <-patience.C:
			return abandoned(at)
		case met := <-v.met:
			l.tally.add(func(r *loadReport) { r.Reached++; r.wait.add(met.Sub(waits)); r.now.talks++ })
			end := l.converse(ctx, leg, v)
			return func(r *loadReport) { r.now.talks--; end(r) }
		case <-leg.Context().Done():
			return turnedAway(call.CauseOf(leg.Context()))
		case <-ctx.Done():
			return func(r *loadReport) { r.CutOff++ }
		}
	}
}

// converse is the talk.
func (l *loadRun) converse(ctx context.Context, leg *sip.PhoneCall, v *loadVisit) func(*loadReport) {
	began := time.Now()
	ear := l.listen(leg, returnTone)
	l.speak(leg, l.callerTone)
	length := v.plan.talk
	switch {
	case v.plan.leaves == stageTalk:
		length = v.plan.after
	case v.plan.agentEnds:
		length += talkSlack
	}
	t := time.NewTimer(length)
	defer t.Stop()
	end := func(r *loadReport) { r.Completed++ }
	select {
	case <-t.C:
		if v.plan.leaves == stageTalk {
			end = abandoned(stageTalk)
		}
	case <-leg.Context().Done():
		if c := call.CauseOf(leg.Context()); c.Reason != call.Hangup && c.Reason != call.Completed {
			end = failed("in the talk: " + string(c.Reason))
		}
	case <-ctx.Done():
		end = func(r *loadReport) { r.CutOff++ }
	}
	long, heard := time.Since(began) >= audibleTalk && !l.c.NoAudio, ear.heard()
	return func(r *loadReport) {
		end(r)
		if long {
			r.Audio.CallerTalks++
			if heard {
				r.Audio.CallerHeard++
			}
		}
	}
}

// speak sends a tone, of frames that all phones share; nil sends nothing.
func (l *loadRun) speak(p *sip.PhoneCall, tone *media.Audio) {
	if tone != nil {
		p.Loop(tone)
	}
}

// toneEar notes once that a tone was heard.
type toneEar struct{ ok atomic.Bool }

func (e *toneEar) heard() bool { return e.ok.Load() }

// listen looks for a tone in every eighth packet until it was heard once.
func (l *loadRun) listen(p *sip.PhoneCall, hz float64) *toneEar {
	e := &toneEar{}
	if l.c.NoAudio {
		return e
	}
	n := 0
	p.Hear(func(samples []int16, _ uint32) {
		if n++; n%8 == 0 && !e.ok.Load() && media.Goertzel(samples, hz) >= audible {
			e.ok.Store(true)
		}
	})
	return e
}

// loadVisit is one call as both of its ends in this process know it.
type loadVisit struct {
	plan    loadPlan
	ringing chan struct{}  // closed when an agent's phone rings for it
	met     chan time.Time // when an agent has answered
	once    sync.Once
	gone    atomic.Int64 // unix nanoseconds since when the caller is, 0 while there
}

func (v *loadVisit) rang() {
	if v != nil {
		v.once.Do(func() { close(v.ringing) })
	}
}

func (v *loadVisit) meet(at time.Time) {
	if v != nil {
		select {
		case v.met <- at:
		default: // met already: an agent whose answer came to nothing
		}
	}
}

// goneFor is how long the caller has been gone; 0 while there, or not ours.
func (v *loadVisit) goneFor() time.Duration {
	if v == nil || v.gone.Load() == 0 {
		return 0
	}
	return time.Since(time.Unix(0, v.gone.Load()))
}

// loadBook finds a caller's last call by number.
type loadBook struct {
	mu     sync.Mutex // guards visits
	visits map[string]*loadVisit
}

func newLoadBook() *loadBook { return &loadBook{visits: map[string]*loadVisit{}} }

func (b *loadBook) open(plan loadPlan) *loadVisit {
	v := &loadVisit{plan: plan, ringing: make(chan struct{}), met: make(chan time.Time, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.visits[plan.number] = v
	return v
}

func (b *loadBook) close(v *loadVisit) { v.gone.Store(time.Now().UnixNano()) }

func (b *loadBook) find(number string) *loadVisit {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.visits[number]
}
