package ivr_test

import (
	"fmt"
	"strings"
	"testing"

	"firstline/call"
	"firstline/ivr"
)

// large is a flow of n nodes: menus that lead to branches that lead on.
func large(n int) []byte {
	var b strings.Builder
	b.WriteString("variables: {tries: 0}\nstart: n0\nnodes:\n")
	for i := range n {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "  n%d: {type: menu, play: menu-main, digits: {1: n%d, \"*\": n%d}, default: n%d}\n", i, i+1, i, i+1)
		case 1:
			fmt.Fprintf(&b, "  n%d: {type: branch, cases: [{if: 'tries > %d and time.hour < 18', next: n%d}], default: n%d}\n", i, i, i+1, i+1)
		case 2:
			fmt.Fprintf(&b, "  n%d: {type: set, set: {tries: tries + %d}, next: n%d}\n", i, i, i+1)
		case 3:
			fmt.Fprintf(&b, "  n%d: {type: prompt, play: welcome, next: n%d}\n", i, i+1)
		}
	}
	fmt.Fprintf(&b, "  n%d: {type: queue, queue: service-desk}\n", n)
	return []byte(b.String())
}

// judge prints a figure beside its floor, as the other benchmarks do.
func judge(b *testing.B, what string, value, floor float64, unit string) {
	b.Helper()
	verdict := "PASS"
	if value > floor {
		verdict = "MISS"
	}
	b.Logf("%s: %.2f %s, floor %.0f %s, %s", what, value, unit, floor, unit, verdict)
}

// BenchmarkCheckOfTenThousandNodes reads and checks a flow, its expressions too.
func BenchmarkCheckOfTenThousandNodes(b *testing.B) {
	data := large(10_000)
	for b.Loop() {
		f, faults := ivr.Parse("large.yaml", "large", data)
		if faults = append(faults, ivr.Check(f, known())...); len(faults) > 0 {
			b.Fatal(faults[0])
		}
		ivr.Advise([]*ivr.Flow{f}, []string{"large"})
	}
	judge(b, "check of 10,000 nodes", b.Elapsed().Seconds()/float64(b.N), 2, "s")
}

// BenchmarkNodeStep runs a flow on a leg that costs nothing.
func BenchmarkNodeStep(b *testing.B) {
	f, faults := ivr.Parse("large.yaml", "large", large(900))
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	steps := 0
	on := ivr.Line{Leg: &caller{}, Tell: func(h ivr.Happening) {
		if _, ok := h.(ivr.Entered); ok {
			steps++
		}
	}}
	for b.Loop() {
		on.Leg = &caller{}
		if got, err := ivr.Run(b.Context(), on, f, ivr.State{}); err != nil || got == (ivr.Hangup{Reason: call.LimitPassed}) {
			b.Fatal(got, err)
		}
	}
	each := float64(b.Elapsed().Microseconds()) / float64(steps)
	b.ReportMetric(each, "us/step")
	judge(b, "node step", each, 20, "us")
}
