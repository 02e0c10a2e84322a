package web

import (
	"fmt"
	"time"

	"firstline/callqueue/sla"
)

// Edge is where a period begins or ends: an instant, or a date, which is its first
// instant in whatever zone is asked for.
type Edge struct {
	at   time.Time // of a date its midnight in UTC
	date bool
}

// At is the edge at an instant.
func At(t time.Time) Edge { return Edge{at: t} }

// ParseEdge reads an instant (RFC 3339) or a date (2026-03-01).
func ParseEdge(text string) (Edge, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return Edge{at, true}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return Edge{}, fmt.Errorf("%q is neither a date nor an instant", text)
	}
	return At(at), nil
}

// In is the edge's instant in a zone.
func (e Edge) In(zone *time.Location) time.Time {
	if !e.date {
		return e.at
	}
	y, m, d := e.at.Date()
	return sla.Midnight(y, m, d, zone)
}

// Earliest is its first instant in any zone.
func (e Edge) Earliest() time.Time {
	if e.date {
		return e.at.Add(-14 * time.Hour)
	}
	return e.at
}

// Latest is its last instant in any zone.
func (e Edge) Latest() time.Time {
	if e.date {
		return e.at.Add(12 * time.Hour)
	}
	return e.at
}
