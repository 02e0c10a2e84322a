//go:build e2e

package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"firstline/e2e/peer"
)

// Numbers of the office behind an Asterisk: the menu, and straight to the desk.
const (
	pbxMenu = "710"
	pbxDesk = "719"
)

const officeToken = "e2e-token-0123456789abcdef"

// behind is an office that drives an Asterisk, with agents 2001, 2002, … who are at
// work at the phones named.
func behind(t *testing.T, p *peer.Asterisk, ariAt string, with setting, desks ...string) *office {
	t.Helper()
	s := &office{t: t, dir: t.TempDir(), creds: credentials{APIToken: officeToken}, env: map[string]string{
		"FIRSTLINE_SIP_LISTEN": "127.0.0.1:0", "FIRSTLINE_HTTP_LISTEN": "127.0.0.1:0", "FIRSTLINE_SIGN_IN_TOKEN": officeToken,
		"FIRSTLINE_CENTRE": "centre",
	}}
	if with.database != "" {
		s.env["FIRSTLINE_DATABASE"] = with.database
	}
	centre := filepath.Join(s.dir, "centre")
	must(t, os.CopyFS(centre, os.DirFS(filepath.Join(the.root, "config", "demo", "centre"))))
	var agents strings.Builder
	for i, d := range desks {
		fmt.Fprintf(&agents, "%d: {name: Agent %d, device: %s, level: 1, skills: {desk: 5}}\n", 2001+i, i+1, d)
	}
	files := map[string]string{
		"agents.yaml":  agents.String(),
		"numbers.yaml": fmt.Sprintf("%s: {flow: support, client: demo}\n%s: {queue: service-desk, client: demo}\n", pbxMenu, pbxDesk),
		"queues.yaml":  briefWrapUp(t)["queues.yaml"],
	}
	maps.Copy(files, with.centre)
	for name, text := range files {
		must(t, os.WriteFile(filepath.Join(centre, name), []byte(text), 0o600))
	}
	must(t, os.WriteFile(filepath.Join(s.dir, "firstline.yaml"), []byte(fmt.Sprintf(`
asterisk:
  nodes: {one: {url: "http://%s/ari", password: firstline-test}}
  sounds: {dir: %s, seen: firstline}
  trunks: %s
`, ariAt, filepath.Join(p.Folder, "sounds/firstline"), cmp.Or(with.trunks, "{}"))), 0o600))
	s.open()
	for i := range desks {
		id := strconv.Itoa(2001 + i)
		s.api.put("/api/v1/agents/"+id+"/presence", map[string]string{"presence": "available"})
	}
	return s
}

// open starts a server whose API is asked with the configured token, and keeps its
// address for when it is started again.
func (s *office) open() {
	s.t.Helper()
	s.up()
	if s.api == nil {
		s.creds.HTTP = s.greeted("board ")
		s.env["FIRSTLINE_HTTP_LISTEN"] = strings.TrimPrefix(s.creds.HTTP, "http://")
		s.api = newAPI(s.t, s.creds)
	}
}

// put sends what has to be taken.
func (a *api) put(path string, body any) { a.t.Helper(); a.send(http.MethodPut, path, body) }

func (a *api) send(method, path string, body any) {
	a.t.Helper()
	status, b, err := a.ask(method, path, body)
	must(a.t, err)
	if status >= 300 {
		a.t.Fatalf("%s %s: %d %s", method, path, status, b)
	}
}
