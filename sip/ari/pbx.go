package ari

import (
	"context"
	"io"
	"time"

	"go.uber.org/zap"

	"firstline/sip/ari/asterisk"
)

// PBX is what the front end asks of one Asterisk. *asterisk.Client is one; its
// errors and its idea of what may be repeated are part of this.
type PBX interface {
	Run(ctx context.Context, h asterisk.Handler) error
	Info(ctx context.Context) (asterisk.Info, error)
	Subscribe(ctx context.Context, sources ...string) error
	Endpoints(ctx context.Context, tech string) ([]asterisk.Endpoint, error)

	Channels(ctx context.Context) ([]asterisk.Channel, error)
	Channel(ctx context.Context, id string) (asterisk.Channel, error)
	Create(ctx context.Context, c asterisk.Create) (asterisk.Channel, error)
	Dial(ctx context.Context, id, caller string, timeout time.Duration) error
	Answer(ctx context.Context, id string) error
	Ring(ctx context.Context, id string) error
	Hangup(ctx context.Context, id string, q850 int, reason string) error
	Continue(ctx context.Context, channel, context, exten string, priority int, label string) error
	Redirect(ctx context.Context, channel, endpoint string) error
	TransferProgress(ctx context.Context, channel, state string) error

	Play(ctx context.Context, channel, playback string, media ...string) (asterisk.Playback, error)
	Playback(ctx context.Context, playback string) (asterisk.Playback, error)
	StopPlayback(ctx context.Context, playback string) error
	StartMOH(ctx context.Context, channel, class string) error
	StopMOH(ctx context.Context, channel string) error
	SendDTMF(ctx context.Context, channel, digits string, between, length time.Duration) error
	Variable(ctx context.Context, channel, name string) (string, error)
	SetVariable(ctx context.Context, channel, name, value string) error
	RTPStats(ctx context.Context, channel string) (asterisk.RTPStats, error)

	Bridges(ctx context.Context) ([]asterisk.Bridge, error)
	Bridge(ctx context.Context, id string) (asterisk.Bridge, error)
	CreateBridge(ctx context.Context, id, kind, name string) (asterisk.Bridge, error)
	AddChannel(ctx context.Context, bridge string, channels ...string) error
	RemoveChannel(ctx context.Context, bridge string, channels ...string) error
	DestroyBridge(ctx context.Context, id string) error

	Snoop(ctx context.Context, channel, snoop, spy, whisper, args string) (asterisk.Channel, error)
	RecordChannel(ctx context.Context, channel string, r asterisk.Record) (asterisk.LiveRecording, error)
	LiveRecording(ctx context.Context, name string) (asterisk.LiveRecording, error)
	StopRecording(ctx context.Context, name string) error
	MuteRecording(ctx context.Context, name string) error
	UnmuteRecording(ctx context.Context, name string) error
	StoredRecordings(ctx context.Context) ([]string, error)
	StoredFile(ctx context.Context, name string, w io.Writer) (int64, error)
	DeleteStored(ctx context.Context, name string) error
}

var _ PBX = (*asterisk.Client)(nil)

// overARI is the PBX that Config.Connect makes unless told otherwise.
func overARI(n Node, log *zap.Logger) (PBX, error) {
	return asterisk.New(asterisk.Config{
		Name: n.Name, URL: n.URL, User: n.User, Password: n.Password, Application: n.Application, TLS: n.TLS, Log: log,
	})
}
