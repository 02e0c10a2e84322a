//go:build e2e

package ari_test

import (
	"testing"

	"firstline/call/calltest"
)

func TestAsteriskFrontEndKeepsTheContract(t *testing.T) {
	p := startPBX(t)
	calltest.Contract(t, func(t *testing.T) calltest.Exchange { return p.frontEnd(t, nil).run(t) })
}
