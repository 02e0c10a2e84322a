package web

import (
	"context"
	"fmt"
)

// Role is what somebody may do. Each role may do all that the ones before it may.
type Role string

// The roles, least first.
const (
	Kiosk      Role = "kiosk"      // the board, without names
	Agent      Role = "agent"      // calls and tickets
	Supervisor Role = "supervisor" // recordings, reports, the journal, agents' presence
	Admin      Role = "admin"      // the centre
)

func (r Role) rank() int {
	switch r {
	case Kiosk:
		return 1
	case Agent:
		return 2
	case Supervisor:
		return 3
	case Admin:
		return 4
	}
	return 0
}

// Valid reports whether r is one of the roles.
func (r Role) Valid() error {
	if r.rank() == 0 {
		return fmt.Errorf("web: unknown role %q", string(r))
	}
	return nil
}

// may reports whether somebody in role r may do what needs least.
func (r Role) may(least Role) bool { return r.rank() >= least.rank() && r.rank() > 0 }

func (r Role) audience() audience {
	if r.may(Agent) {
		return staff
	}
	return wall
}

// Who is the person or program behind a request.
type Who struct {
	Role Role   `json:"role" enum:"kiosk,agent,supervisor,admin"`
	Name string `json:"name" doc:"for the journal; not a person's name unless the token was named so"`
	key  string // hash of the secret that proves it
}

type whoKey struct{}

func withWho(ctx context.Context, w Who) context.Context { return context.WithValue(ctx, whoKey{}, w) }

// whoOf is the zero Who when nobody signed in.
func whoOf(ctx context.Context) Who {
	w, _ := ctx.Value(whoKey{}).(Who)
	return w
}
