package queuelog_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/callqueue/queuelog"
)

func TestLineIsReadAsAsteriskWroteIt(t *testing.T) {
	for text, want := range map[string]queuelog.Line{
		"1795423639|pbx-1795423639.1|support|NONE|ENTERQUEUE||+49301234567|1": {
			At: at(1795423639).UTC(), Call: "pbx-1795423639.1", Queue: "support", Event: "ENTERQUEUE", Data: []string{"", "+49301234567", "1"},
		},
		"1795423639|NONE|NONE|NONE|QUEUESTART|": {At: at(1795423639).UTC(), Event: "QUEUESTART"},
		"1795423640.25|a|b|Ana Silva|CONNECT|1|c|1\r": {
			At: at(1795423640).UTC(), Call: "a", Queue: "b", Agent: "Ana Silva", Event: "CONNECT", Data: []string{"1", "c", "1"},
		},
	} {
		got, err := queuelog.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
	l, err := queuelog.Parse("1|a|b|c|CONNECT|x|2")
	if err != nil || l.Field(0) != "x" || l.Field(2) != "" || l.Number(0) != 0 || l.Number(1) != 2 {
		t.Errorf("fields of %+v, %v", l, err)
	}
}

func TestWhatIsNoLineIsRefusedAndNotRepeated(t *testing.T) {
	for _, text := range []string{
		"", "no log at all +49301234567", "1795423639|a|b|c", "x|a|b|c|d|+49301234567", "-1|a|b|c|d", "99999999999999999999|a|b|c|d",
		"1795423639|a|b|c||+49301234567", "1|a|b|c|d|" + strings.Repeat("+49301234567", 2000),
	} {
		_, err := queuelog.Parse(text)
		if !errors.Is(err, queuelog.ErrNoLine) || strings.Contains(err.Error(), "+49301234567") {
			t.Errorf("%.60q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	recorded, err := os.ReadFile("testdata/asterisk-22.queue_log")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(recorded)) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := queuelog.Parse(text)
		if err != nil {
			return
		}
		if l.Event == "" || l.At.Unix() <= 0 {
			t.Errorf("%q read as %+v", text, l)
		}
	})
}

// pbx writes a log as Asterisk does.
type pbx struct {
	t    *testing.T
	path string
	sec  int
}

func newPBX(t *testing.T) *pbx {
	return &pbx{t: t, path: filepath.Join(t.TempDir(), "queue_log"), sec: 1000}
}

// log appends lines, one for each second.
func (p *pbx) log(n int) {
	var text strings.Builder
	for range n {
		p.sec++
		fmt.Fprintf(&text, "%d|c%d|q|NONE|ENTERQUEUE||1|1\n", p.sec, p.sec)
	}
	p.append(text.String())
}

func (p *pbx) append(text string) {
	p.t.Helper()
	f, err := os.OpenFile(p.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pbx) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// everything reads until nothing is new, with a new Tail each time, as a process
// that is killed after each batch would.
func (p *pbx) everything(from queuelog.Place) (seconds []int64, faults []error, at queuelog.Place) {
	p.t.Helper()
	for {
		b, err := queuelog.NewTail(p.path, from).Read()
		p.must(err)
		for _, l := range b.Lines {
			seconds = append(seconds, l.At.Unix())
		}
		faults = append(faults, b.Faults...)
		if len(b.Lines) == 0 && !b.More && b.Place == from {
			return seconds, faults, from
		}
		from = b.Place
	}
}

func upTo(first, last int64) (all []int64) {
	for s := first; s <= last; s++ {
		all = append(all, s)
	}
	return all
}

// However a log is rotated, and however often while nobody reads, each line is read
// once.
func TestRotationLosesNoLineAndRepeatsNone(t *testing.T) {
	mv := func(p *pbx, to string) { p.must(os.Rename(p.path, p.path+to)) }
	for name, rotate := range map[string]func(p *pbx, n int){
		"not at all": func(*pbx, int) {},
		"rotate: the latest is .0": func(p *pbx, n int) {
			for i := n; i > 0; i-- {
				p.must(os.Rename(fmt.Sprintf("%s.%d", p.path, i-1), fmt.Sprintf("%s.%d", p.path, i)))
			}
			mv(p, ".0")
		},
		"sequential: the latest has the highest number": func(p *pbx, n int) { mv(p, fmt.Sprintf(".%d", n)) },
		"timestamp": func(p *pbx, _ int) { mv(p, fmt.Sprintf(".%d", p.sec)) },
		"logrotate with dates, compressed": func(p *pbx, n int) {
			data, err := os.ReadFile(p.path)
			p.must(err)
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, err = w.Write(data)
			p.must(errors.Join(err, w.Close()))
			p.must(os.WriteFile(fmt.Sprintf("%s-2026112%d.gz", p.path, n), z.Bytes(), 0o600))
			p.must(os.Remove(p.path))
		},
		"copytruncate": func(p *pbx, n int) {
			data, err := os.ReadFile(p.path)
			p.must(err)
			p.must(os.WriteFile(fmt.Sprintf("%s-2026112%d", p.path, n), data, 0o600))
			p.must(os.Truncate(p.path, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPBX(t)
			p.log(3)
			got, faults, place := p.everything(queuelog.Place{})
			p.log(2)
			for n := range 3 {
				rotate(p, n)
				if n == 1 { // the new file is still empty
					more, f, at := p.everything(place)
					got, faults, place = append(got, more...), append(faults, f...), at
				}
				p.log(4)
			}
			more, f, place := p.everything(place)
			if d := cmp.Diff(upTo(1001, int64(p.sec)), append(got, more...)); d != "" {
				t.Error(d)
			}
			if all := append(faults, f...); len(all) > 0 {
				t.Error(all)
			}
			if again, _, _ := p.everything(place); len(again) > 0 {
				t.Errorf("read again: %v", again)
			}
		})
	}
}

func TestFileThatIsGoneIsToldOnceAndReadingGoesOn(t *testing.T) {
	p := newPBX(t)
	p.log(3)
	_, _, place := p.everything(queuelog.Place{})
	p.log(1)
	p.must(os.Remove(p.path))
	p.log(2)
	got, faults, place := p.everything(place)
	if d := cmp.Diff(upTo(1005, 1006), got); d != "" {
		t.Error(d)
	}
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "lines may be missing") {
		t.Errorf("faults %v", faults)
	}
	p.log(1)
	if got, faults, _ := p.everything(place); len(got) != 1 || len(faults) != 0 {
		t.Errorf("afterwards %v, %v", got, faults)
	}
}

func TestLineInTheMakingIsReadWhenItIsWhole(t *testing.T) {
	p := newPBX(t)
	p.append("1001|c|q|NONE|ENTER")
	tail := queuelog.NewTail(p.path, queuelog.Place{})
	for range 2 {
		if b, err := tail.Read(); err != nil || len(b.Lines)+len(b.Faults) > 0 {
			t.Errorf("half a line: %+v, %v", b, err)
		}
	}
	p.append("QUEUE||1|1\nrubbish\n\n1002|c|q|NONE|ABANDON|1|1|1\n10")
	b, err := tail.Read()
	if err != nil || len(b.Lines) != 2 || b.Lines[1].Event != "ABANDON" || len(b.Faults) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestWholeLogInBatchesIsTheLog(t *testing.T) {
	p := newPBX(t)
	p.log(60_000) // some 2 MB
	got, faults, _ := p.everything(queuelog.Place{})
	if len(got) != 60_000 || got[0] != 1001 || got[59_999] != 61_000 || len(faults) > 0 {
		t.Errorf("%d lines, faults %v", len(got), faults)
	}
	p.append(strings.Repeat("x", 3<<20)) // no end of line for long
	p.log(1)
	p.log(1)
	_, faults, place := p.everything(queuelog.Place{})
	if len(faults) == 0 || place.At != time.Unix(int64(p.sec), 0).UTC() {
		t.Errorf("after a line without end: %v, %v", place, faults)
	}
}

func TestEndIsBehindWhatIsThere(t *testing.T) {
	p := newPBX(t)
	if end, err := queuelog.End(p.path); err != nil || end != (queuelog.Place{}) {
		t.Errorf("without a file: %+v, %v", end, err)
	}
	p.log(50_000)
	end, err := queuelog.End(p.path)
	p.must(err)
	p.log(2)
	if got, _, _ := p.everything(end); !cmp.Equal(got, upTo(51_001, 51_002)) {
		t.Errorf("from the end on: %v", got)
	}
}

func TestLogThatCannotBeReadIsAnError(t *testing.T) {
	p := newPBX(t)
	p.must(os.Mkdir(p.path, 0o700))
	if _, err := queuelog.NewTail(p.path, queuelog.Place{}).Read(); err == nil {
		t.Error("a folder was read")
	}
	if b, err := queuelog.NewTail(p.path+".none", queuelog.Place{}).Read(); err != nil || len(b.Lines) > 0 {
		t.Errorf("no file yet: %+v, %v", b, err)
	}
}
