package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"firstline/call"
	"firstline/callqueue/sla"
)

// figure is one line of a table of figures.
type figure struct {
	name string
	unit unit
	of   func(sla.Figures) (float64, bool) // false: there is none
}

type unit int

const (
	unitCalls unit = iota
	unitPercent
	unitSeconds
)

// queueFigures is what simulate and replay print of a queue.
func queueFigures() []figure {
	count := func(f func(sla.Figures) int) func(sla.Figures) (float64, bool) {
		return func(x sla.Figures) (float64, bool) { return float64(f(x)), true }
	}
	length := func(f func(sla.Figures) *time.Duration) func(sla.Figures) (float64, bool) {
		return func(x sla.Figures) (float64, bool) {
			if d := f(x); d != nil {
				return d.Seconds(), true
			}
			return 0, false
		}
	}
	level := func(name string) func(sla.Figures) (float64, bool) {
		return func(x sla.Figures) (float64, bool) {
			if p := x.Level(name).Percent; p != nil {
				return *p, true
			}
			return 0, false
		}
	}
	return []figure{
		{"offered", unitCalls, count(func(f sla.Figures) int { return f.Offered })},
		{"answered", unitCalls, count(func(f sla.Figures) int { return f.Outcomes[call.OutcomeAnswered] })},
		{"abandoned, short ones too", unitCalls, count(func(f sla.Figures) int {
			return f.Outcomes[call.OutcomeAbandoned] + f.Outcomes[call.OutcomeAbandonedShort]
		})},
		{"left otherwise, by an exit too", unitCalls, count(func(f sla.Figures) int {
			return f.Offered - f.Waiting - f.Outcomes[call.OutcomeAnswered] - f.Outcomes[call.OutcomeAbandoned] - f.Outcomes[call.OutcomeAbandonedShort]
		})},
		{"abandonment, short ones too", unitPercent, func(f sla.Figures) (float64, bool) {
			if f.AbandonAll == nil {
				return 0, false
			}
			return f.AbandonAll.Percent, true
		}},
		{"service level, no short abandons", unitPercent, level(sla.LevelOurs)},
		{"answered within target, of all", unitPercent, level(sla.LevelFlowOuts)},
		{"ASA", unitSeconds, length(func(f sla.Figures) *time.Duration { return f.ASA })},
		{"mean wait of all", unitSeconds, length(func(f sla.Figures) *time.Duration { return f.Wait })},
		{"longest wait", unitSeconds, length(func(f sla.Figures) *time.Duration { return &f.LongestWait })},
		{"AHT", unitSeconds, length(func(f sla.Figures) *time.Duration { return f.AHT })},
	}
}

func (f figure) write(v float64, ok bool) string {
	if !ok || math.IsNaN(v) {
		return "-"
	}
	switch f.unit {
	case unitPercent:
		return fmt.Sprintf("%.1f %%", v)
	case unitSeconds:
		return fmt.Sprintf("%.1f s", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func (f figure) difference(v float64) string {
	s := f.write(v, true)
	if v >= 0 {
		s = "+" + s
	}
	if f.unit == unitPercent {
		s = strings.TrimSuffix(s, "%") + "pp"
	}
	return s
}

func percentOf(p *float64) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", *p)
}

// table prints rows: the first column to the left, the others to the right.
type table struct {
	w            io.Writer
	first, other int
}

func newTable(w io.Writer, first, other int) table { return table{w, first, other} }

func (t table) row(cells ...string) {
	for i, c := range cells {
		if i == 0 {
			fmt.Fprint(t.w, "  "+c+pad(c, t.first))
			continue
		}
		fmt.Fprint(t.w, pad(c, t.other)+c)
	}
	fmt.Fprintln(t.w)
}

func pad(s string, width int) string {
	return strings.Repeat(" ", max(width-utf8.RuneCountInString(s), 1))
}
