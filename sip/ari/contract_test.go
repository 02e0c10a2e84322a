package ari

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/call/calltest"
)

func fakeConfig(t *testing.T, f *fakePBX) Config {
	t.Helper()
	return Config{
		Nodes: []Node{{
			Name: "one", URL: "http://127.0.0.1:1/ari", User: "u", Password: "p",
			Fallback: call.Dialplan{Context: "fallback"},
		}},
		Sounds: fakeSounds{}, RecordingsDir: t.TempDir(), Sample: -1,
		Connect: func(Node, *zap.Logger) (PBX, error) { return f, nil },
	}
}

// run has the process serve calls until the test ends.
func (p *process) run() *process {
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Run(ctx, p.inbox); err != nil {
			p.t.Errorf("run: %v", err)
		}
	})
	p.t.Cleanup(func() { cancel(); wg.Wait() })
	return p
}

// Die ends the process; the next one finds the same Asterisk and the same folder.
func (p *process) Die(t *testing.T) calltest.Exchange {
	p.die()
	return startProcess(t, p.pbx, func(c *Config) { c.RecordingsDir = p.cfg.RecordingsDir })
}

// bubble is a test in a bubble with a fake Asterisk.
func bubble(t *testing.T, test func(t *testing.T, f *fakePBX)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newFakePBX()) })
}

func TestFrontEndKeepsTheContractOnTheFake(t *testing.T) {
	calltest.Contract(t, calltest.FrontEnd{
		Bubble: synctest.Test,
		Open: func(t *testing.T) calltest.Exchange {
			p := startProcess(t, newFakePBX(), func(c *Config) { c.Nodes[0].Refer = "PJSIP/sip:{number}@fake" }).run()
			time.Sleep(time.Second)
			return p
		},
		Lacks: map[calltest.Ability]string{
			calltest.RecordGrows: "as on a real one", calltest.Message: "as on a real one", calltest.DTMFStart: "as on a real one", calltest.EarlyMedia: "as on a real one",
		},
	})
}
