package main

import (
	"context"
	"fmt"

	"firstline/call"
	"firstline/tickets/oncall"
)

// openOnCall takes up who stands in for whom.
func (s *server) openOnCall(ctx context.Context) error {
	story, err := wholeStory(ctx, s.store, call.Stream{Kind: call.StreamOnCall, ID: call.OnCallStream})
	if err != nil {
		return fmt.Errorf("on call: %w", err)
	}
	s.onCall = oncall.NewDesk(s.journal, func() oncall.Plan { return s.centre.now().OnCall }, story, s.log.Named("on call"))
	return nil
}

// webOnCall turns the store's absence into the API's 503.
type webOnCall struct{ *oncall.Desk }

func (w webOnCall) Override(ctx context.Context, o oncall.Override) (oncall.Override, error) {
	o, err := w.Desk.Override(ctx, o)
	return o, away(err)
}

func (w webOnCall) TakeBack(ctx context.Context, id, by string) (oncall.Override, error) {
	o, err := w.Desk.TakeBack(ctx, id, by)
	return o, away(err)
}
