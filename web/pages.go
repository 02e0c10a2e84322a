package web

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"go.uber.org/zap"
)

// The pages as web/ui built them; only .keep when it did not, and then the
// program is whole all the same.
//
//go:embed all:ui/dist
var dist embed.FS

// pages serves the built pages: files as they are, any other path as the one
// page that finds its way by itself.
type pages struct {
	log  *zap.Logger
	file fs.FS
}

func newPages(log *zap.Logger) *pages {
	sub, err := fs.Sub(dist, "ui/dist")
	if err != nil { // the path is a constant
		panic(err)
	}
	return &pages{log: log, file: sub}
}

// ServeHTTP implements http.Handler.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeProblem(w, http.StatusMethodNotAllowed, "there are only pages here")
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "plain.css" || name == "favicon.svg" { // of the pages that need no build, too
		p.serve(w, r, static, "static/"+name, "no-cache")
		return
	}
	if name != "" && name != "index.html" && p.has(name) {
		keep := "no-cache"
		if strings.HasPrefix(name, "assets/") { // named by their content
			keep = "public, max-age=31536000, immutable"
		}
		p.serve(w, r, p.file, name, keep)
		return
	}
	if path.Ext(name) != "" {
		writeProblem(w, http.StatusNotFound, "there is no such file")
		return
	}
	if p.has("index.html") {
		p.serve(w, r, p.file, "index.html", "no-cache")
		return
	}
	p.serve(w, r, static, "static/stub.html", "no-store")
}

func (p *pages) has(name string) bool {
	info, err := fs.Stat(p.file, name)
	return err == nil && info.Mode().IsRegular() && !strings.HasPrefix(path.Base(name), ".")
}

func (p *pages) serve(w http.ResponseWriter, r *http.Request, from fs.FS, name, keep string) {
	text, err := fs.ReadFile(from, name)
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, fs.ErrNotExist) {
			status = http.StatusNotFound
		}
		p.log.Warn("page", zap.String("file", name), zap.Error(err))
		writeProblem(w, status, "this page cannot be shown")
		return
	}
	w.Header().Set("Cache-Control", keep)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}
