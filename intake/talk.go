package intake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/recordings"
)

// talk is a conversation under way. Its fields belong to the call's goroutine.
type talk struct {
	d         *Desk
	j         *journey
	t         Talk
	agent     call.Leg
	bridge    call.Bridge
	recording call.Recording // nil when nothing is recorded
	began     time.Time      // of the talk and of its recording
	held      map[call.Side]bool
	orders    chan order
	resume    *time.Timer // ends a pause by itself
	paused    bool
	pauseEnds time.Time // by itself; zero while nothing is paused
	taps      []tap
	tapped    int             // supervisors' legs so far, over all talks of the call
	left      chan call.LegID // supervisors who hung up
	over      chan struct{}   // closed when the conversation is
	end       *parting        // set by an order that ends the conversation
	consult   *consult        // nil while the agent asks nobody
	answers   chan answer     // of those who are rung for a consultation
	rung      int             // how many of these are to come
	asking    sync.WaitGroup  // one for each
}

// join bridges the two legs and starts the recording. On an adopted call it
// finds both as they are: every verb can be repeated.
func (d *Desk) join(ctx context.Context, j *journey, t Talk) (*talk, error) {
	k := &talk{
		d: d, j: j, t: t, agent: j.legs[t.Leg], began: time.Now(), held: map[call.Side]bool{},
		orders: make(chan order), resume: time.NewTimer(time.Hour), left: make(chan call.LegID), over: make(chan struct{}), answers: make(chan answer),
	}
	k.resume.Stop()
	if k.agent == nil {
		return nil, k.lost(call.Cause{Reason: call.SwitchGone, Text: "the agent's leg did not survive"})
	}
	if j.resumed != nil {
		for _, t := range j.resumed.Talks {
			k.tapped += len(t.Taps)
		}
	}
	was := k.takeOver()
	if !was && t.Agent != "" {
		k.prepare(ctx)
	}
	music := j.centre.music(t.Queue)
	b, err := d.Switch.Bridge(ctx, call.BridgeSpec{ID: t.Bridge, Caller: j.call.Leg, Agent: k.agent, Music: music})
	if err != nil {
		k.hangUpAgent(call.AsCause(err))
		return nil, k.lost(fmt.Errorf("bridge: %w", err))
	}
	k.bridge = b
	started := k.record(ctx)
	if was {
		k.unconsult(ctx)
		return k, nil
	}
	if err := k.connected(ctx, started); err != nil {
		k.part(call.SideSystem, call.AsCause(err))
		return nil, err
	}
	k.stayPaused(ctx)
	return k, nil
}

// prepare tells the agent what is coming, while the caller still hears music. It
// ends early when either is gone, and nothing of it is worth losing a call for.
func (k *talk) prepare(ctx context.Context) {
	q := k.j.centre.Queues[k.t.Queue]
	var media []call.Media
	if q.AutoAnswer {
		media = append(media, "tone:beep") // nobody pressed a key: the headset is live now
	}
	if q.Whisper != "" {
		media = append(media, promptMedia(k.j.centre.Language, q.Whisper))
	}
	if len(media) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(k.j.call.Leg.Context(), cancel)
	defer stop()
	if err := k.agent.Play(ctx, media...); err != nil && ctx.Err() == nil && k.agent.Context().Err() == nil {
		k.j.log.Error("agent not told", zap.Error(err))
	}
}

// takeOver reads what the last process left of this conversation, and reports
// whether there was one.
func (k *talk) takeOver() bool {
	if k.j.resumed == nil || k.j.resumed.Talking() == nil {
		return false
	}
	was := k.j.resumed.Talking()
	k.began = was.Began
	for _, h := range was.Holds {
		if h.To.IsZero() {
			k.held[h.By] = true
		}
	}
	for _, t := range was.Taps { // their legs are swept: a supervisor phones in again
		if t.To.IsZero() {
			k.d.Journal.Post(call.CallEvent(time.Now(), k.j.call.ID, call.TapEnded{Leg: t.Leg}))
		}
	}
	return true
}

// lost closes in the journal a conversation that cannot go on.
func (k *talk) lost(err error) error {
	if k.j.resumed != nil && k.j.resumed.Talking() != nil {
		k.d.Journal.Post(call.CallEvent(time.Now(), k.j.call.ID, call.Parted{Agent: k.t.Agent, By: call.SideSystem, Cause: call.AsCause(err)}))
	}
	return err
}

// record starts the recording, or finds it running, and returns the event that
// opens it. A recording that cannot be started does not stop the talk.
func (k *talk) record(ctx context.Context) []call.Event {
	if k.t.Recording == "" {
		return nil
	}
	r, err := k.bridge.Record(ctx, k.t.Recording)
	if err == nil {
		var ev call.Event
		ev, err = k.d.Recordings.Begin(recordings.Start{
			ID: k.t.Recording, Call: k.j.call.ID, Ticket: k.j.ticket, Agent: k.t.Agent, File: r.File(), At: k.began,
		})
		if err == nil {
			k.recording = r
			return []call.Event{ev}
		}
	}
	k.j.log.Error("talk is not recorded", zap.Error(err))
	return nil
}

func (d *Desk) level(id call.AgentID) int {
	if d.LevelOf == nil {
		return 0
	}
	return d.LevelOf(id)
}

// connected journals the beginning of the conversation and of its recording.
func (k *talk) connected(ctx context.Context, started []call.Event) error {
	body := call.Connected{Agent: k.t.Agent, Number: k.t.Number, Leg: k.t.Leg, Bridge: k.t.Bridge}
	if k.recording != nil {
		body.Recording = k.t.Recording
	}
	ticket, release := k.d.onTicket(k.j)
	defer release()
	evs := append([]call.Event{call.CallEvent(k.began, k.j.call.ID, body)}, started...)
	if k.t.Agent != "" {
		evs = append(evs, call.TicketEvent(k.began, ticket, call.TicketTaken{Call: k.j.call.ID, Agent: k.t.Agent, Level: k.d.level(k.t.Agent)}))
	}
	if k.j.back != nil && !k.j.reached {
		k.j.reached = true
		return k.j.back.reached(ctx, k.j.call.ID, evs)
	}
	if k.recording == nil {
		k.d.Journal.Post(evs...)
		return nil
	}
	if err := k.d.Journal.Append(context.WithoutCancel(ctx), evs...); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return nil
}

// parting is how a conversation ended: by whom and why, and where the caller
// goes on, nil for nowhere.
type parting struct {
	by    call.Side
	cause call.Cause
	next  Stage
}

// converse serves both legs until one of them is gone, or the agent hands the
// caller on.
func (k *talk) converse(ctx context.Context) parting {
	k.d.setTalk(k.j.call.ID, k.orders)
	defer k.d.setTalk(k.j.call.ID, nil)
	caller, agent := k.j.call.Leg, k.agent
	for {
		select {
		case e := <-caller.Events():
			k.happened(call.SideCaller, e)
		case e := <-agent.Events():
			if e.Kind == call.LegTransfer {
				if next := k.referred(ctx, e); next != nil {
					return parting{call.SideAgent, transferred(), next}
				}
				continue
			}
			k.happened(call.SideAgent, e)
		case o := <-k.orders:
			o.done <- o.do(ctx, k)
			if k.end != nil {
				return *k.end
			}
		case a := <-k.answers:
			k.answered(ctx, a)
			if k.end != nil {
				return *k.end
			}
		case <-k.askedGone():
			if err := k.comeBack(ctx, call.ConsultLeft); err != nil {
				k.j.log.Error("back from a consultation", zap.Error(err))
			}
		case leg := <-k.left:
			k.tapOver(leg)
		case <-k.resume.C:
			if err := k.setPaused(ctx, false, "limit"); err != nil {
				k.j.log.Error("recording stays paused", zap.Error(err))
			}
		case <-caller.Context().Done():
			return parting{by: call.SideCaller, cause: call.CauseOf(caller.Context())}
		case <-agent.Context().Done():
			if next := k.alone(ctx); next != nil && caller.Context().Err() == nil {
				return parting{call.SideAgent, transferred(), next}
			}
			return parting{by: call.SideAgent, cause: call.CauseOf(agent.Context())}
		case <-ctx.Done():
			if caller.Context().Err() != nil { // both ended at once: ctx is the caller's
				return parting{by: call.SideCaller, cause: call.CauseOf(caller.Context())}
			}
			return parting{by: call.SideSystem, cause: call.CauseOf(ctx)}
		}
	}
}

// happened keeps the hold times, and whether the agent's phone is heard. A front
// end may report the same state twice, after an adoption for example: only changes
// count.
func (k *talk) happened(by call.Side, e call.LegEvent) {
	if lost := e.Kind == call.LegMediaLost; by == call.SideAgent && k.t.Agent != "" && (lost || e.Kind == call.LegMediaBack) {
		k.d.Queue.Silent(k.t.Agent, lost)
		return
	}
	if e.Kind == call.LegHeld || e.Kind == call.LegUnheld {
		k.hold(by, e.Kind == call.LegHeld, e.At)
	}
}

// hold keeps that one side holds the other, or the system the caller.
func (k *talk) hold(by call.Side, held bool, at time.Time) {
	if held == k.held[by] {
		return
	}
	k.held[by] = held
	if held {
		k.d.Journal.Post(call.CallEvent(at, k.j.call.ID, call.Held{By: by}))
	} else {
		k.d.Journal.Post(call.CallEvent(at, k.j.call.ID, call.Unheld{By: by}))
	}
	if k.t.Agent != "" {
		k.d.Queue.Holding(k.t.Agent, k.held[call.SideAgent] || k.held[call.SideCaller] || k.held[call.SideSystem])
	}
}

// setPaused pauses or resumes the recording and journals it.
func (k *talk) setPaused(ctx context.Context, pause bool, by string) error {
	if k.recording == nil {
		return ErrNotRecorded
	}
	if pause == k.paused {
		return nil
	}
	if !pause {
		k.resume.Stop()
		if err := k.recording.Resume(ctx); err != nil {
			return fmt.Errorf("resume recording: %w", err)
		}
		k.paused, k.pauseEnds = false, time.Time{}
		k.d.Journal.Post(call.RecordingEvent(time.Now(), k.t.Recording, call.RecordingResumed{By: by, Offset: time.Since(k.began)}))
		return nil
	}
	return k.pause(ctx, k.d.PauseLimit, by)
}

func (k *talk) pause(ctx context.Context, limit time.Duration, by string) error {
	offset := time.Since(k.began)
	if err := k.recording.Pause(ctx); err != nil {
		return fmt.Errorf("pause recording: %w", err)
	}
	k.paused, k.pauseEnds = true, time.Now().Add(limit)
	k.resume.Reset(limit)
	return k.d.Journal.Append(ctx, call.RecordingEvent(time.Now(), k.t.Recording,
		call.RecordingPaused{By: by, Offset: offset, Limit: limit}))
}

// stayPaused goes on with a pause that the call was handed on in: what was to be kept
// from the recording may still be said.
func (k *talk) stayPaused(ctx context.Context) {
	left := time.Until(k.t.Place.Paused)
	if k.recording == nil || left <= 0 {
		return
	}
	if err := k.pause(ctx, left, "transfer"); err != nil {
		k.j.log.Error("recording is not paused any more", zap.Error(err))
	}
}

// mute is how long a phone may be up without a single packet from it.
const mute = 10 * time.Second

// unheard reports whether nothing at all ever came from the agent's phone, where
// the front end can tell. Those who wait for the media to be lost would wait longer
// than people say hello.
func (k *talk) unheard(now time.Time) bool {
	if now.Sub(k.began) < mute || k.held[call.SideAgent] {
		return false
	}
	q := quality(k.agent)
	return q.Sent > 0 && q.Received == 0 // nothing either way is a leg that was not looked at yet
}

// part ends the conversation: the agent's leg goes, the recording is closed.
func (k *talk) part(by call.Side, cause call.Cause) {
	k.resume.Stop()
	k.endConsult(context.Background())
	k.endTaps()
	if k.t.Agent != "" && (k.unheard(time.Now()) || by == call.SideAgent && cause.Reason == call.MediaLost) {
		k.d.Queue.Silent(k.t.Agent, true)
	}
	k.d.Journal.Post(call.CallEvent(time.Now(), k.j.call.ID, call.Parted{Agent: k.t.Agent, By: by, Cause: cause}))
	k.hangUpAgent(call.Cause{Reason: call.Completed})
	if k.recording == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	fault := ""
	r, err := k.recording.Stop(ctx)
	if errors.Is(err, call.ErrHandedOver) { // it goes on, and the next process ends it
		return
	}
	if err != nil {
		fault = err.Error()
	}
	switch finished := k.d.Recordings.Finish(ctx, k.t.Recording, r, fault); {
	case finished != nil:
		k.j.log.Error("recording not catalogued", zap.String("recording", string(k.t.Recording)), zap.Error(finished))
	case err != nil:
		k.j.log.Error("recording incomplete", zap.Error(err))
	}
}

func (k *talk) hangUpAgent(c call.Cause) {
	if err := k.agent.Hangup(context.Background(), c); err != nil {
		k.j.log.Warn("hang up agent", zap.String("agent", string(k.t.Agent)), zap.Error(err))
	}
}
