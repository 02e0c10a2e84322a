//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// browser is Chromium with the board open.
type browser struct {
	*process
	in io.Writer
}

// board opens the sign-in link in Chromium. Pictures go to the folder SHOTS, if it is set.
func (s *office) board() *browser {
	s.t.Helper()
	if _, err := os.Stat(filepath.Join(the.root, "web", "ui", "node_modules", "playwright-core")); err != nil {
		s.t.Fatalf("the packages of web/ui are not installed (npm ci): %v", err)
	}
	shots := os.Getenv("SHOTS")
	if shots == "" {
		shots = s.t.TempDir()
	}
	cmd := exec.Command(need(s.t, "node"), filepath.Join("testdata", "board.mjs"), the.root, need(s.t, "chromium"), s.link(), shots)
	stdin, err := cmd.StdinPipe()
	must(s.t, err)
	b := &browser{in: stdin}
	b.process = start(s.t, "chromium", cmd)
	s.t.Cleanup(func() { stdin.Close() }) // it then closes the browser; start's clean-up waits for that
	return b
}

// ask sends a command and returns its answer, the next line.
func (b *browser) ask(args ...string) string {
	b.t.Helper()
	text, err := json.Marshal(args)
	must(b.t, err)
	before := strings.Count(b.out.String(), "\n")
	_, err = b.in.Write(append(text, '\n'))
	must(b.t, err)
	answer := ""
	eventually(b.t, "the browser answers "+args[0], func() bool {
		if b.ended() {
			b.t.Fatal("the browser has gone")
		}
		lines := strings.SplitAfter(b.out.String(), "\n")
		if len(lines) > before+1 {
			answer = strings.TrimSuffix(lines[before], "\n")
			return true
		}
		return false
	})
	rest, ok := strings.CutPrefix(answer, "ok ")
	if !ok {
		b.t.Fatalf("%v: %s", args, answer)
	}
	return rest
}

func TestTheBoardInABrowserShowsARealCallWithoutReload(t *testing.T) {
	t.Parallel()
	const number = "+15550100731"
	s := serve(t, setting{})
	s.tool("phone", "--user", "2001", "--json").says(`"registered"`)
	b := s.board()
	if rows := b.ask("open"); rows != "0" {
		t.Errorf("%s calls on the board of an idle desk", rows)
	}
	caller := s.tool("call", "1000", "--press", "1", "--from", number, "--talk", "6s", "--json")
	c := s.api.awaitCall(number, "is there", func(callRecord) bool { return true })
	b.ask("row", c.ID, c.Ticket, "…731")
	row := b.ask("row", c.ID, "talking", "Ana Silva")
	b.ask("shoot", "board-talking")
	if strings.Contains(row, number) {
		t.Errorf("the whole number is on the board: %s", row)
	}
	if code := caller.exit(); code != 0 {
		t.Errorf("firstline call: exit code %d", code)
	}
	b.ask("gone", c.ID)
	if loads := strings.TrimSpace(b.ask("loads")); loads != "" {
		t.Errorf("the page was loaded again, or complained: %s", loads)
	}
}
