package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/callqueue/agents"
	"firstline/callqueue/roster"
	"firstline/callqueue/sla"
	"firstline/callqueue/worktime"
)

// Roster is who works here and where they sit: roster.Roster, whose errors count.
type Roster interface {
	SignIn(ctx context.Context, id call.AgentID, device call.DeviceID, by string) error
	SignOut(ctx context.Context, id call.AgentID, by string) error
	SetPIN(ctx context.Context, id call.AgentID, pin, by string) error
	Import(ctx context.Context, entries []roster.Entry, o roster.Options) (roster.Diff, error)
}

// Staff is planned and actual time. Unknown agents are ErrNotFound.
type Staff interface {
	// SetShifts replaces an agent's calendar and counts its entries;
	// worktime.ErrCalendar says what is wrong with it.
	SetShifts(ctx context.Context, id call.AgentID, calendar, by string) (entries int, err error)
	// Worked returns an agent's times in [from, to), and how they kept their plan.
	Worked(ctx context.Context, id call.AgentID, from, to time.Time) (worktime.Times, worktime.Adherence, error)
}

// maxRosterBody is for as many people as one import takes.
const maxRosterBody = 4 << 20

type signInIn struct {
	ID   call.AgentID `path:"id" maxLength:"100"`
	Body struct {
		Device call.DeviceID `json:"device" minLength:"1" maxLength:"100" doc:"a phone's name, or tel:+49… for a number that a trunk may dial"`
	}
}

type agentIn struct {
	ID call.AgentID `path:"id" maxLength:"100"`
}

type pinIn struct {
	ID   call.AgentID `path:"id" maxLength:"100"`
	Body struct {
		PIN string `json:"pin" doc:"4 to 12 digits; empty takes the PIN away"` // judged by the roster: an error of huma's would hold it
	}
}

type rosterIn struct {
	DryRun bool `query:"dry_run" doc:"only say what would change"`
	Body   struct {
		People []RosterPerson `json:"people" maxItems:"5000"`
		Remove bool           `json:"remove,omitempty" doc:"who is not among people leaves the roster"`
		Expect string         `json:"expect,omitempty" maxLength:"64" doc:"digest of a dry run: apply that difference or nothing (409)"`
	}
}

// RosterPerson is one person to take on or change.
type RosterPerson struct {
	ID     call.AgentID   `json:"id"`
	Name   string         `json:"name"`
	Device call.DeviceID  `json:"device,omitempty" doc:"where the person sits until they sign in elsewhere; who sits somewhere stays there"`
	Level  int            `json:"level,omitempty" doc:"support level, 1 to 4; 1 when left out"`
	Skills map[string]int `json:"skills,omitempty" doc:"skill to level, 1 to 10"`
	PIN    string         `json:"pin,omitempty" doc:"4 to 12 digits; left out, the PIN stays as it is"`
	Line   int            `json:"line,omitempty" doc:"of the file that it came from, for messages"`
}

// RosterDiff is what an import changes.
type RosterDiff struct {
	Applied   bool           `json:"applied"`
	Changes   []RosterChange `json:"changes"`
	Unchanged int            `json:"unchanged"`
	Absent    []call.AgentID `json:"absent" doc:"on the roster, not in the import, and staying"`
	Digest    string         `json:"digest" doc:"names this difference"`
}

// RosterChange is what happens to one person.
type RosterChange struct {
	Agent  call.AgentID  `json:"agent"`
	Name   string        `json:"name"`
	Kind   string        `json:"kind" enum:"added,changed,removed"`
	Fields []RosterField `json:"fields"`
}

// RosterField is one thing that changes.
type RosterField struct {
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`
}

type rosterOut struct{ Body RosterDiff }

type shiftsIn struct {
	ID   call.AgentID `path:"id" maxLength:"100"`
	Body struct {
		Calendar string `json:"calendar" doc:"iCalendar (RFC 5545): every VEVENT is a shift, one of the category BREAK a planned break"`
	}
}

type shiftsOut struct {
	Body struct {
		Entries int `json:"entries" doc:"before they recur"`
	}
}

type adherenceIn struct {
	ID   call.AgentID `path:"id" maxLength:"100"`
	From time.Time    `query:"from" required:"true"`
	To   time.Time    `query:"to" required:"true" doc:"an instant to come counts as now"`
}

// AgentTime is what a person's time was spent on, and how the plan was kept.
type AgentTime struct {
	Agent       call.AgentID     `json:"agent"`
	From        time.Time        `json:"from"`
	To          time.Time        `json:"to"`
	StaffedMs   int64            `json:"staffed_ms" doc:"signed in; the sum of states_ms"`
	StatesMs    map[string]int64 `json:"states_ms"`
	BreaksMs    map[string]int64 `json:"breaks_ms" doc:"by reason; the sum is states_ms.break"`
	PlannedMs   int64            `json:"planned_ms"`
	AdherentMs  int64            `json:"adherent_ms" doc:"of what was planned: at work"`
	OutMs       int64            `json:"out_ms" doc:"of what was planned: logged out, on break or unreachable"`
	UnplannedMs int64            `json:"unplanned_ms" doc:"at work though it was not planned"`
	Percent     *float64         `json:"percent" doc:"100 × adherent / planned; null when nothing was planned"`
}

type agentTimeOut struct{ Body AgentTime }

func (s *Server) rosterRoutes(api huma.API) {
	op := operation(http.MethodPost, "/agents/{id}/sign-in", "sign-in-agent", "Seat an agent at a phone, ready for calls", Supervisor, 404, 409, 422, 503)
	op.DefaultStatus = http.StatusNoContent
	register(s, api, op, s.signInAgent)
	op = operation(http.MethodPost, "/agents/{id}/sign-out", "sign-out-agent", "Log an agent out and free the phone", Supervisor, 404, 409, 503)
	op.DefaultStatus = http.StatusNoContent
	register(s, api, op, s.signOutAgent)
	op = operation(http.MethodPut, "/agents/{id}/pin", "set-pin", "Give an agent a PIN for signing in at a phone", Supervisor, 404, 422, 503)
	op.DefaultStatus = http.StatusNoContent
	register(s, api, op, s.setPIN)
	op = operation(http.MethodPut, "/agents/{id}/shifts", "set-shifts", "Replace an agent's planned hours", Supervisor, 404, 422, 503)
	op.MaxBodyBytes = 2 * worktime.MaxCalendar
	register(s, api, op, s.setShifts)
	register(s, api, operation(http.MethodGet, "/agents/{id}/adherence", "read-adherence", "What an agent's time was spent on, beside the plan", Supervisor, 404, 422, 503), s.readAdherence)
	op = operation(http.MethodPut, "/roster", "import-roster", "Take people on and change them", Admin, 409, 422, 503)
	op.Description += " All faults come at once, each with its place in people. What is asked is done as a whole or not at all."
	op.MaxBodyBytes = maxRosterBody
	register(s, api, op, s.importRoster)
}

func (s *Server) signInAgent(ctx context.Context, in *signInIn) (*struct{}, error) {
	return nil, s.cfg.Roster.SignIn(ctx, in.ID, in.Body.Device, s.by(ctx))
}

func (s *Server) signOutAgent(ctx context.Context, in *agentIn) (*struct{}, error) {
	return nil, s.cfg.Roster.SignOut(ctx, in.ID, s.by(ctx))
}

func (s *Server) setPIN(ctx context.Context, in *pinIn) (*struct{}, error) {
	return nil, s.cfg.Roster.SetPIN(ctx, in.ID, in.Body.PIN, s.by(ctx))
}

func (s *Server) setShifts(ctx context.Context, in *shiftsIn) (*shiftsOut, error) {
	n, err := s.cfg.Staff.SetShifts(ctx, in.ID, in.Body.Calendar, s.by(ctx))
	if err != nil {
		return nil, err
	}
	out := new(shiftsOut)
	out.Body.Entries = n
	return out, nil
}

func (s *Server) importRoster(ctx context.Context, in *rosterIn) (*rosterOut, error) {
	entries := make([]roster.Entry, len(in.Body.People))
	for i, p := range in.Body.People {
		entries[i] = roster.Entry{
			Line: p.Line, PIN: p.PIN,
			Agent: agents.Agent{ID: p.ID, Name: p.Name, Device: p.Device, Level: max(p.Level, agents.MinLevel), Skills: p.Skills},
		}
		if p.Level < 0 {
			entries[i].Level = p.Level // for the roster to refuse
		}
	}
	d, err := s.cfg.Roster.Import(ctx, entries, roster.Options{
		Remove: in.Body.Remove, DryRun: in.DryRun, Expect: in.Body.Expect, By: s.by(ctx),
	})
	if faults, ok := errors.AsType[roster.Faults](err); ok {
		return nil, rosterProblem(faults)
	}
	if err != nil {
		return nil, err
	}
	out := &rosterOut{RosterDiff{
		Applied: !in.DryRun, Changes: []RosterChange{}, Unchanged: d.Unchanged, Absent: append([]call.AgentID{}, d.Absent...), Digest: d.Digest,
	}}
	for _, c := range d.Changes {
		v := RosterChange{Agent: c.Agent, Name: c.Name, Kind: c.Kind, Fields: []RosterField{}}
		for _, f := range c.Fields {
			v.Fields = append(v.Fields, RosterField(f))
		}
		out.Body.Changes = append(out.Body.Changes, v)
	}
	return out, nil
}

// rosterProblem tells all faults of an import, without the values: one may be a PIN.
func rosterProblem(faults roster.Faults) error {
	var details []error
	for _, f := range faults {
		at := "body.people"
		if f.Row >= 0 {
			at = fmt.Sprintf("body.people[%d].%s", f.Row, f.Field)
		}
		details = append(details, &huma.ErrorDetail{Location: at, Message: f.String()})
	}
	return huma.Error422UnprocessableEntity(fmt.Sprintf("%d mistakes in the roster; nothing has changed", len(faults)), details...)
}

func (s *Server) readAdherence(ctx context.Context, in *adherenceIn) (*agentTimeOut, error) {
	from, to := in.From.UTC(), in.To.UTC()
	if now := time.Now().UTC(); to.After(now) {
		to = call.Instant(now)
	}
	switch {
	case !from.Before(to):
		return nil, huma.Error422UnprocessableEntity("the period is empty, or has not begun")
	case to.Sub(from) > longestReport:
		return nil, huma.Error422UnprocessableEntity("the period is longer than 400 days")
	}
	times, kept, err := s.cfg.Staff.Worked(ctx, in.ID, from, to)
	if err != nil {
		return nil, err
	}
	v := AgentTime{
		Agent: in.ID, From: from, To: to, StatesMs: millis(times.In), BreaksMs: millis(times.Breaks),
		AdherentMs: kept.In.Milliseconds(), OutMs: kept.Out.Milliseconds(), UnplannedMs: kept.Unplanned.Milliseconds(), Percent: kept.Percent,
	}
	// Sums are made of what is shown, so that they add up to the millisecond.
	if _, some := v.StatesMs[string(sla.StateBreak)]; some {
		v.StatesMs[string(sla.StateBreak)] = total(v.BreaksMs)
	}
	v.StaffedMs, v.PlannedMs = total(v.StatesMs), v.AdherentMs+v.OutMs
	return &agentTimeOut{v}, nil
}

func total(ms map[string]int64) int64 {
	var n int64
	for _, m := range ms {
		n += m
	}
	return n
}

func millis[K ~string](in map[K]time.Duration) map[string]int64 {
	out := make(map[string]int64, len(in))
	for k, d := range in {
		out[string(k)] = d.Milliseconds()
	}
	return out
}
