package recordings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// retry is how long audio that came late waits when its row cannot be looked up.
const retry = 10 * time.Second

// Late hands in audio that comes when nobody waits for it any more: its recording
// may have been closed with a fault, or begun by the process before this one. It does
// not wait: Run closes the row, or corrects one that has a fault. What comes before
// Recover is looked at after it.
func (c *Catalogue) Late(id call.RecordingID, audio call.Recorded) error {
	err := c.Finish(context.Background(), id, audio, "")
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = append(c.late, finished{id: id, at: time.Now(), audio: audio})
	c.look()
	return nil
}

// settleLate sees to what came late, once it is known what a crash left open.
func (c *Catalogue) settleLate(ctx context.Context) {
	c.mu.Lock()
	late := c.late
	if !c.recovered {
		late = nil
	}
	c.late = c.late[len(late):]
	c.mu.Unlock()
	for i, f := range late {
		err := c.settle(ctx, f)
		switch {
		case err == nil, errors.Is(err, call.ErrHandedOver):
		case errors.Is(err, ErrNotFound):
			c.log.Error("late audio without a recording, or without a file", zap.String("recording", string(f.id)), zap.Error(err))
		default:
			c.log.Warn("audio that came late waits", zap.String("recording", string(f.id)), zap.Error(err))
			c.again(late[i:])
			return
		}
	}
}

// again puts back what could not be settled.
func (c *Catalogue) again(late []finished) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = append(late, c.late...)
	if !c.closed {
		time.AfterFunc(retry, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.look()
		})
	}
}

// settle closes the row of one, unless it has its audio.
func (c *Catalogue) settle(ctx context.Context, f finished) error {
	r, err := c.cfg.Rows.Recording(ctx, f.id)
	if err != nil {
		return err
	}
	if !r.Finished.IsZero() && r.Fault == "" {
		return nil // found on the disk
	}
	body := call.RecordingFinished{Call: r.Call, Duration: f.audio.Duration, Interrupted: r.Interrupted}
	body.SHA256, body.Bytes, err = c.sum(f.audio.File)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("audio of recording %s: %w", f.id, ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("audio of recording %s: %w", f.id, err)
	}
	return c.cfg.Journal.Append(ctx, call.RecordingEvent(f.at, f.id, body))
}
