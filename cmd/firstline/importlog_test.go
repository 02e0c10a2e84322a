package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestQueueLogIsImportedBetweenInstants(t *testing.T) {
	const log = "100|a|q|NONE|ENTERQUEUE||1|1\nrubbish\n200|b|q|NONE|ENTERQUEUE||1|1\n300|c|q|NONE|ABANDON|1|1|1"
	for _, c := range []struct {
		from, to int64
		want     string
	}{
		{0, 0, log},
		{200, 0, "rubbish\n200|b|q|NONE|ENTERQUEUE||1|1\n300|c|q|NONE|ABANDON|1|1|1"},
		{150, 300, "rubbish\n200|b|q|NONE|ENTERQUEUE||1|1\n"},
	} {
		in := importQueueLog{}
		if c.from > 0 {
			in.From.Time = time.Unix(c.from, 0)
		}
		if c.to > 0 {
			in.To.Time = time.Unix(c.to, 0)
		}
		if got, err := in.lines(strings.NewReader(log)); err != nil || got != c.want {
			t.Errorf("from %d to %d: %q, %v", c.from, c.to, got, err)
		}
	}
	long := strings.NewReader(strings.Repeat("100|a|q|NONE|ENTERQUEUE||1|1\n", 1<<20))
	if _, err := (&importQueueLog{}).lines(long); err == nil || !strings.Contains(err.Error(), "--from") {
		t.Errorf("too long a log: %v", err)
	}
}

func TestQueueLogIsNotImportedIntoNothing(t *testing.T) {
	dir := emptyFolder(t)
	file := filepath.Join(dir, "queue_log")
	if err := os.WriteFile(file, []byte("100|a|q|NONE|ENTERQUEUE||1|1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs := firstline(t, exitFailed, "import", "queue-log", file); !strings.Contains(errs, "no API address and token") {
		t.Error(errs)
	}
	if _, errs := firstline(t, exitFailed, "import", "queue-log", file+".none"); !strings.Contains(errs, "no such file") {
		t.Error(errs)
	}
}
