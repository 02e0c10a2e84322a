//go:build e2e

package ari_test

import (
	"testing"

	"firstline/call/calltest"
	"firstline/sip/ari"
)

func TestAsteriskFrontEndKeepsTheContract(t *testing.T) {
	p := startPBX(t)
	calltest.Contract(t, calltest.FrontEnd{
		Open: func(t *testing.T) calltest.Exchange {
			return p.frontEnd(t, func(c *ari.Config) { c.Nodes[0].Refer = "PJSIP/sip:{number}@127.0.0.1" }).run(t)
		},
		Result: "../../call/calltest/testdata/asterisk.json",
		Lacks: map[calltest.Ability]string{
			calltest.RecordGrows: "Asterisk writes the two sides apart; they are one file when the talk is over",
			calltest.DTMFStart:   "ARI tells a digit when its key is let go",
			calltest.EarlyMedia:  "a call is answered before anything is played",
			calltest.Message:     "not built yet: who would leave a message is asked for a number to be called back on",
		},
	})
}
