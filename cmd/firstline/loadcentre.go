package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/config"
	"firstline/store"
)

// Of the centre that --make-centre makes.
const (
	benchRealm = "firstline.local"
	benchSIP   = "127.0.0.1:5060"
	benchHTTP  = "127.0.0.1:8080"
)

const benchServer = `# A bench for "firstline load", on loopback only. Run it here: firstline serve
sip:
  listen: [%s]
  domain: %s
  rtp: {ports: 20000-39999}
  trunks:
    loopback: {allow: [127.0.0.0/8]}
http: {listen: "%s"}
data-dir: var
centre: centre
log: {level: warn}
`

const benchQueues = `# Record: true loads the disk as well, with 32 kB a second for each talk.
service-desk:
  name: Service desk
  need: {skills: {desk: 1}}
  ring: 15s
  misses: 2
  wrap-up: %v
  target: {within: 20s, percent: 80, short-abandon: 5s}
  music: default
  record: false
`

// makeCentre makes a folder to serve from: the demo's lines with so many people,
// their phones' passwords hashed in its database, and all secrets for the owner.
func (c *loadCommand) makeCentre(ctx context.Context, o *output) error {
	if c.Agents == 0 {
		return exitError{exitUsage, errors.New("a centre needs agents: say --agents")}
	}
	if _, err := os.Stat(filepath.Join(c.MakeCentre, config.FileName)); err == nil {
		return fmt.Errorf("%s has a %s already: nothing is overwritten", c.MakeCentre, config.FileName)
	}
	data := filepath.Join(c.MakeCentre, "var")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	devices, err := c.writeCentre()
	if err != nil {
		return err
	}
	creds, err := loadDemoCredentials(data, benchRealm, devices)
	if err != nil {
		return err
	}
	creds.SIP, creds.HTTP = benchSIP, "http://"+benchHTTP
	st, err := store.Open(ctx, store.Config{Database: filepath.Join(data, "firstline.db"), DataDir: data}, zap.NewNop())
	if err != nil {
		return err
	}
	if err := errors.Join(creds.seed(ctx, secrets{st}), st.Close()); err != nil {
		return err
	}
	if err := creds.save(data); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s has a centre of %d agents. Serve it, and load it from another terminal:\n"+
		"  cd %s && firstline serve\n  firstline load --credentials %s --agents %d\n",
		c.MakeCentre, c.Agents, c.MakeCentre, filepath.Join(data, demoCredentialsFile), c.Agents)
	return nil
}

// writeCentre writes the configuration, and returns the devices of its agents.
func (c *loadCommand) writeCentre() ([]call.DeviceID, error) {
	centre := filepath.Join(c.MakeCentre, "centre")
	if err := os.CopyFS(centre, config.DemoCentre()); err != nil {
		return nil, fmt.Errorf("centre: %w", err)
	}
	devices, agents := c.benchAgents()
	for _, f := range []struct{ name, text string }{
		{filepath.Join(c.MakeCentre, config.FileName), fmt.Sprintf(benchServer, benchSIP, benchRealm, benchHTTP)},
		{filepath.Join(centre, "queues.yaml"), fmt.Sprintf(benchQueues, c.WrapUp)},
		{filepath.Join(centre, "agents.yaml"), agents},
	} {
		if err := os.WriteFile(f.name, []byte(f.text), 0o600); err != nil {
			return nil, err
		}
	}
	if _, err := config.LoadCentre(os.DirFS(centre), nil); err != nil { // a mistake here would be met much later
		return nil, err
	}
	return devices, nil
}

// benchAgents is the roster: everybody takes the desk, six in ten know accounts
// well enough for the second key of the menu, one in ten is of the second level.
func (c *loadCommand) benchAgents() ([]call.DeviceID, string) {
	r := rand.New(rand.NewPCG(c.Seed, 2))
	var devices []call.DeviceID
	var b strings.Builder
	b.WriteString("# The people of a bench.\n")
	for i := range c.Agents {
		user, level, accounts := fmt.Sprint(2001+i), 1, 1+r.IntN(2)
		if i%10 == 9 {
			level = 2
		}
		if i%5 < 3 {
			accounts = 3 + r.IntN(8)
		}
		fmt.Fprintf(&b, "%s: {name: Agent %s, device: %s, level: %d, skills: {desk: %d, accounts: %d}}\n",
			user, user, user, level, 1+r.IntN(10), accounts)
		devices = append(devices, call.DeviceID(user))
	}
	return devices, b.String()
}
