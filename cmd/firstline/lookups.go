package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"go.uber.org/zap"

	"firstline/ivr"
	"firstline/ivr/lookup"
)

// askers asks the systems that the centre in force names.
type askers struct {
	s      *server
	client lookup.Client
}

// Ask asks one of them; how that failed is in the log, what was asked is not.
func (a *askers) Ask(ctx context.Context, name string, ask map[string]string) (map[string]any, ivr.Found) {
	to, known := a.s.centre.now().Lookups[name]
	if !known {
		a.s.log.Warn("lookup is not in the centre any more", zap.String("lookup", name))
		return nil, ivr.LookupFailed
	}
	answer, err := a.client.Ask(ctx, lookup.Target{URL: to.URL, Token: lookupToken(name, os.LookupEnv, os.ReadFile), Budget: to.Budget}, ask)
	switch {
	case errors.Is(err, lookup.ErrMissing):
		return nil, ivr.LookupMissing
	case err != nil:
		if ctx.Err() == nil {
			a.s.log.Warn("lookup", zap.String("lookup", name), zap.Error(err))
		}
		return nil, ivr.LookupFailed
	}
	return answer, ivr.LookupFound
}

// lookupToken is FIRSTLINE_LOOKUP_<NAME>_TOKEN, or what the file says that
// FIRSTLINE_LOOKUP_<NAME>_TOKEN_FILE names; empty for none.
func lookupToken(name string, env func(string) (string, bool), read func(string) ([]byte, error)) string {
	key := "FIRSTLINE_LOOKUP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_TOKEN"
	if token, ok := env(key); ok {
		return token
	}
	file, ok := env(key + "_FILE")
	if !ok {
		return ""
	}
	b, err := read(file)
	if err != nil {
		return "" // the system will say that it is missing
	}
	return strings.TrimSpace(string(b))
}
