//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// snippet is one snippet of the how-to: what to add to a file, and where.
type snippet struct{ file, where, text string }

// snippets are the snippets of a chapter of docs/asterisk.md.
func snippets(t *testing.T, chapter string) []snippet {
	t.Helper()
	_, text, found := strings.Cut(read(t, "docs/asterisk.md"), "\n## "+chapter+"\n")
	if !found {
		t.Fatalf("no chapter %q", chapter)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var all []snippet
	for _, m := range regexp.MustCompile("(?s)```ini\n; ([a-z_]+\\.conf)(?:: ([^\n]*))?\n(.*?)```").FindAllStringSubmatch(text, -1) {
		all = append(all, snippet{m[1], m[2], strings.ReplaceAll(m[3], "CHANGE-ME", "e2e-password")})
	}
	if len(all) == 0 {
		t.Fatalf("%q has no snippets", chapter)
	}
	return all
}

// do adds the snippet's text to the file as its words say.
func (s snippet) do(t *testing.T, conf string) {
	t.Helper()
	name := filepath.Join(conf, s.file)
	b, err := os.ReadFile(name)
	must(t, err)
	text := string(b)
	section := regexp.MustCompile(`^with the other lines of (\[\w+\])$`).FindStringSubmatch(s.where)
	switch {
	case section != nil:
		text = replaced(t, text, section[1]+"\n", section[1]+"\n"+s.text)
	case strings.HasPrefix(s.where, "in the context of the trunk"):
		text = replaced(t, text, "exten => 1000,1,Playback(old)\n", s.text)
	default: // at the end
		text += "\n" + s.text
	}
	must(t, os.WriteFile(name, []byte(text), 0o600))
}

// houseOf is a company's Asterisk before firstline: the trunk is whoever calls from
// loopback, phone 2001 has a fixed address. files are its own.
func houseOf(t *testing.T, p *node, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join(the.root, "deploy/dev/asterisk"))))
	copied := func(name string) string { return read(t, "deploy/asterisk/"+name) }
	own := map[string]string{
		"modules.conf":       copied("modules.conf"),
		"voicemail.conf":     "[general]\nformat = wav\n[default]\n100 => ,Support line\n",
		"queues.conf":        "[general]\n",
		"queue_agents.conf":  "",
		"pjsip_agents.conf":  "",
		"ari.conf":           "[general]\n",
		"http.conf":          "[general]\nbindport = @ARI_PORT@\n",
		"firstline.conf":     copied("firstline.conf"),
		"stasis.conf":        copied("stasis.conf"),
		"extensions.conf":    "[general]\n[globals]\nOTHER = 1\n[from-trunk]\nexten => 1000,1,Playback(old)\nexten => 2000,1,Hangup(17)\n[from-agent]\nexten => 1,1,Hangup()\n",
		"phones_custom.conf": fmt.Sprintf("[2001](agent)\naors = 2001\n[2001]\ntype = aor\ncontact = sip:2001@127.0.0.1:%d\n", p.agents),
		"pjsip.conf":         read(t, "deploy/dev/asterisk/pjsip.conf") + "\n#include phones_custom.conf\n",
	}
	maps.Copy(own, files)
	for name, text := range own {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// fallsBack wants a call to the number to be answered by the queue, and ARI to let
// firstline in.
func (p *node) fallsBack() {
	p.t.Helper()
	if all := p.complaints(""); len(all) > 0 {
		p.t.Errorf("Asterisk complains:\n%s", strings.Join(all, ""))
	}
	if status, _ := p.get("/asterisk/info", "firstline", "e2e-password"); status != 200 {
		p.t.Errorf("ARI answers %d", status)
	}
	p.knowsItsDialplan()
	agent := p.answering(1)
	went(p.t, p.phoneIn("+4930111", "1000", time.Second), agent)
	p.tells(p.t, `firstline-fallback\|NONE\|DID\|1000\|$`, `ENTERQUEUE\|\|\+4930111\|1$`, `Ana Silva\|CONNECT\|`, `COMPLETECALLER`)
}

// Every snippet of the how-to is tried on an Asterisk as companies have it.
func TestStepsForAPlainAsteriskWork(t *testing.T) {
	p := nodeOf(t, "")
	p.conf = houseOf(t, p, nil)
	for _, s := range snippets(t, "A plain Asterisk that is there already") {
		s.do(t, p.conf)
	}
	p.start().fallsBack()
}

// FreePBX is not here: its generated files include those that a person may write,
// and an inbound route sets FROM_DID and goes to a custom destination.
func TestStepsForFreePBXWork(t *testing.T) {
	p := nodeOf(t, "")
	p.conf = houseOf(t, p, map[string]string{
		"ari.conf":                   "[general]\nenabled = yes\n#include ari_additional_custom.conf\n",
		"http.conf":                  "[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = @ARI_PORT@\n",
		"queues.conf":                "[general]\n#include queues_custom.conf\n",
		"extensions.conf":            "[general]\n[globals]\nOTHER = 1\n#include globals_custom.conf\n[from-trunk]\nexten => 1000,1,Set(__FROM_DID=${EXTEN})\n same => n,Goto(firstline-route,s,1)\n[from-agent]\nexten => 1,1,Hangup()\n#include extensions_custom.conf\n",
		"ari_additional_custom.conf": "", "queues_custom.conf": "", "globals_custom.conf": "", "extensions_custom.conf": "",
	})
	for _, s := range snippets(t, "FreePBX") {
		s.do(t, p.conf)
	}
	p.start().fallsBack()
}
