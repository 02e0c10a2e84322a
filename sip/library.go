package sip

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"
)

var libraryOnce sync.Once //nolint:gochecknoglobals // guards variables of sipgo, which are global themselves

// setUpLibrary sets what sipgo keeps in globals. Its limit of 1,300 bytes for messages over UDP also holds back
// responses, whose size the requests' Via and Record-Route headers decide. Its package logger, which some of its
// connections use whatever logger they are given, is silenced. Its own 100 after 200 ms, which reads the INVITE
// while that gets its tag, is put off for longer than any handler runs: we send one as soon as we know who calls,
// and to a stranger whom we do not answer none at all.
func setUpLibrary() {
	libraryOnce.Do(func() {
		sip.UDPMTUSize = unreliableLimit
		sip.Timer_1xx = 24 * time.Hour
		sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	})
}

// libraryLog gives sipgo a logger that says little: its errors are mostly about what strangers send, and they
// quote it in full.
func libraryLog(log *zap.Logger) *slog.Logger { return slog.New(libraryHandler{log}) }

type libraryHandler struct{ log *zap.Logger }

func (h libraryHandler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn || h.log.Core().Enabled(zap.DebugLevel)
}

func (h libraryHandler) Handle(_ context.Context, r slog.Record) error {
	var fields []zap.Field
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			text := a.Value.String()
			fields = append(fields, zap.String("error", text[:min(len(text), 200)]))
		}
		return true
	})
	if r.Level >= slog.LevelError && r.Message == "failed to parse" {
		h.log.Info("sip message not readable", fields...)
		return nil
	}
	h.log.Debug("sipgo: "+r.Message, fields...)
	return nil
}

func (h libraryHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h libraryHandler) WithGroup(string) slog.Handler      { return h }
