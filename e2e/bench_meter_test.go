//go:build bench

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// reading is what a process has used up to an instant.
type reading struct {
	at     time.Time
	cpu    time.Duration // user and system
	memory int64         // bytes, proportional set size
}

const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on

// readProcess reads /proc (proc_pid_stat(5), proc_pid_smaps(5)).
func readProcess(t *testing.T, pid int) reading {
	t.Helper()
	r := reading{at: time.Now()}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	// The name in parentheses may hold anything; utime and stime are fields 14 and 15.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		r.cpu += time.Duration(n) * tick
	}
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(rollup)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			kb, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			r.memory = kb * 1024
		}
	}
	return r
}

// datagrams counts what the kernel has sent by UDP so far, of all programs.
func datagrams(t *testing.T) int64 {
	t.Helper()
	snmp, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(snmp)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] != "Udp:":
		case names == nil:
			names = f
		default:
			for i, name := range names {
				if name == "OutDatagrams" {
					n, err := strconv.ParseInt(f[i], 10, 64)
					if err != nil {
						t.Fatal(err)
					}
					return n
				}
			}
		}
	}
	t.Fatal("/proc/net/snmp has no UDP counters")
	return 0
}
