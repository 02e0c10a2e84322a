package config_test

import (
	"testing"
	"time"

	"firstline/config"
)

func TestAStandbySharesAPostgreSQL(t *testing.T) {
	const pg = "database: postgres://u@h/d\n"
	for _, tt := range []struct {
		file, env string
		want      config.Standby
		fault     string
	}{
		{file: "", want: config.Standby{Stale: 10 * time.Second}},
		{file: pg + "standby: true", want: config.Standby{Wait: true, Stale: 10 * time.Second}},
		{file: pg + "takeover-after: 30s", env: "FIRSTLINE_STANDBY=true", want: config.Standby{Wait: true, Stale: 30 * time.Second}},
		{file: "standby: true", env: "FIRSTLINE_DATABASE=postgresql://h/d", want: config.Standby{Wait: true, Stale: 10 * time.Second}},
		{file: "standby: true", fault: `f.yaml:1:10: a standby needs a PostgreSQL database that it shares with the other server (key database)`},
		{file: pg + "standby: true\ntakeover-after: 1s", fault: `f.yaml:3:17: "takeover-after" is 1s; it may be from 5s to 10m0s`},
		{file: pg + "standby: yes", fault: `f.yaml:2:10: "standby" is neither true nor false: "yes" (did you mean "true"?)`},
	} {
		s, err := config.ParseServer("f.yaml", []byte(tt.file), []string{tt.env})
		switch {
		case tt.fault != "":
			if err == nil || err.Error() != tt.fault {
				t.Errorf("%s: error %v, want %s", tt.file, err, tt.fault)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.file, err)
		case s.Standby != tt.want:
			t.Errorf("%s %s: %+v, want %+v", tt.file, tt.env, s.Standby, tt.want)
		}
	}
}
