package sip

import (
	"errors"
	"fmt"
	"testing"

	"firstline/call"
	"firstline/sip/media"
)

func TestEveryReasonHasAStatusWithAPhrase(t *testing.T) {
	for reason, want := range map[call.Reason]int{
		call.Hangup: 487, call.Cancelled: 487, call.Busy: 486, call.NoAnswer: 480, call.Rejected: 603,
		call.Unreachable: 480, call.NoCodec: 488, call.MediaLost: 480, call.Completed: 480, call.Closed: 480,
		call.Blocked: 603, call.NoCapacity: 503, call.Shutdown: 503, call.SwitchGone: 500, call.Failed: 500,
		call.LimitPassed: 480, "never heard of": 500,
	} {
		status, text := statusOf(call.Cause{Reason: reason})
		if status != want || text == "" || text == "Refused" {
			t.Errorf("%s: %d %q, want %d", reason, status, text, want)
		}
	}
}

func TestStatusOfTheCauseWinsWhenItEndsTheLeg(t *testing.T) {
	for given, want := range map[int]int{404: 404, 600: 600, 699: 699, 200: 486, 180: 486, 302: 486, 700: 486, -1: 486} {
		if status, _ := statusOf(call.Cause{Reason: call.Busy, SIP: given}); status != want {
			t.Errorf("%d: %d, want %d", given, status, want)
		}
	}
}

func TestSentinelsHaveAStatus(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{errSDP, 400},
		{errNoCodec, 488},
		{errAddress, 488},
		{media.ErrRemote, 488},
		{media.ErrNoPorts, 503},
		{call.ErrUnsupported, 501},
		{call.Cause{Reason: call.Busy}, 486},
		{errors.New("other"), 500},
	} {
		if status, _ := statusOfError(fmt.Errorf("while doing: %w", tt.err)); status != tt.want {
			t.Errorf("%v: %d, want %d", tt.err, status, tt.want)
		}
	}
}
