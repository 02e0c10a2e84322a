package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/roster"
	"firstline/callqueue/sla"
	"firstline/callqueue/worktime"
	"firstline/intake"
	"firstline/intake/block"
	"firstline/intake/incident"
	"firstline/intake/lost"
	"firstline/intake/spoken"
	"firstline/recordings"
	"firstline/tickets"
	"firstline/tickets/connect"
	"firstline/tickets/customers"
	"firstline/tickets/knowledge"
	"firstline/tickets/month"
	"firstline/tickets/oncall"
)

// What the interfaces of Config answer when they cannot do as asked. The text
// wrapped around ErrInvalid, ErrConflict and ErrUnavailable is shown to the
// caller of the API; that around any other error is only logged.
var (
	ErrNotFound    = errors.New("not found")
	ErrGone        = errors.New("no longer there")
	ErrInvalid     = errors.New("not valid")
	ErrConflict    = errors.New("does not fit the present state")
	ErrUnavailable = errors.New("not available just now") // the database is away
	ErrUnsupported = errors.New("not to be had here")     // the call's front end lacks the ability
)

// problem is the one table from errors to HTTP (RFC 9457). It reports whether
// the error is a fault of ours, which a human should look at.
func problem(err error) (p huma.StatusError, fault bool) {
	var already huma.StatusError
	if p := endpointProblem(err); p != nil {
		return p, false
	}
	switch {
	case errors.As(err, &already):
		return already, false
	case isAny(err,
		ErrNotFound,
		tickets.ErrNotFound,
		customers.ErrUnknown,
		spoken.ErrUnknown,
		oncall.ErrUnknown,
		spoken.ErrUnknown,
		knowledge.ErrUnknown,
		recordings.ErrNotFound,
		callqueue.ErrUnknownAgent,
		callqueue.ErrUnknownQueue,
		callqueue.ErrUnknownEntry,
		callqueue.ErrUnknownKey,
		connect.ErrUnknown,
		connect.ErrNoDelivery,
	):
		return huma.Error404NotFound("there is no such thing here"), false
	case errors.Is(err, ErrGone):
		return huma.Error410Gone("it was here and is not kept any longer"), false
	case errors.Is(err, intake.ErrTooManyCalls):
		return huma.Error429TooManyRequests(err.Error()), false
	case isAny(err,
		ErrInvalid,
		tickets.ErrInvalid,
		month.ErrInvalid,
		customers.ErrInvalid,
		oncall.ErrInvalid,
		knowledge.ErrInvalid,
		callqueue.ErrInvalid,
		agents.ErrInvalid,
		intake.ErrMayNotCall,
		incident.ErrInvalid,
		intake.ErrNoLine,
		block.ErrInvalid,
		lost.ErrInvalid,
		roster.ErrInvalid,
		roster.ErrNoDevice,
		worktime.ErrCalendar,
		sla.ErrSpan,
		connect.ErrInvalid,
	):
		return huma.Error422UnprocessableEntity(err.Error()), false
	case isAny(err,
		ErrConflict,
		tickets.ErrPage,
		spoken.ErrHeard,
		callqueue.ErrBusy,
		callqueue.ErrFull,
		callqueue.ErrTalking,
		callqueue.ErrNotTalking,
		callqueue.ErrLast,
		callqueue.ErrBreakFull,
		connect.ErrExists,
		intake.ErrNotTalking,
		intake.ErrNobody,
		intake.ErrConsults,
		intake.ErrNoConsult,
		intake.ErrNotRecorded,
		intake.ErrNoCallback,
		incident.ErrUnknown,
		incident.ErrExists,
		spoken.ErrHeard,
		block.ErrUnknown,
		block.ErrExists,
		block.ErrState,
		lost.ErrUnknown,
		roster.ErrTaken,
		roster.ErrNoSeat,
		roster.ErrStale,
	):
		return huma.Error409Conflict(err.Error()), false
	case isAny(err, knowledge.ErrStale, tickets.ErrStale, customers.ErrStale):
		return huma.Error412PreconditionFailed(err.Error()), false
	case errors.Is(err, ErrUnsupported):
		return huma.Error501NotImplemented(err.Error()), false
	case isAny(err, ErrUnavailable, callqueue.ErrClosed, recordings.ErrClosed):
		return huma.Error503ServiceUnavailable(err.Error()), false
	case errors.Is(err, context.Canceled):
		return huma.NewError(statusClientGone, "the request was given up"), false
	case errors.Is(err, context.DeadlineExceeded):
		return huma.Error503ServiceUnavailable("the answer took too long"), true
	default:
		return huma.Error500InternalServerError("a fault of the server; its log says more"), true
	}
}

func isAny(err error, of ...error) bool {
	return slices.ContainsFunc(of, func(target error) bool { return errors.Is(err, target) })
}

// statusClientGone is never read by anybody: the client has left. The number is
// the one that proxies log for it.
const statusClientGone = 499

// titleOf is the reason phrase of a status.
func titleOf(status int) string {
	if t := http.StatusText(status); t != "" {
		return t
	}
	return "Error"
}
