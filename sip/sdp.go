package sip

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"

	"firstline/sip/media"
)

// Errors of offer and answer that callers match; statusOfError maps them.
var (
	errSDP     = errors.New("sip: session description not readable")
	errNoCodec = errors.New("sip: no common codec")
	errAddress = errors.New("sip: media address must not be sent to")
)

const (
	maxStreams = 16   // m= lines
	maxLines   = 1024 // lines of any kind
	dtmfPT     = 101  // what we call telephone-event when we offer
	plainRTP   = "RTP/AVP"
)

// audioCodec is one G.711 law with the payload type that the peer gave it.
type audioCodec struct {
	Codec media.Codec
	PT    uint8
}

// stream is one m= line; its answer repeats all but the port (RFC 3264 section 6).
type stream struct {
	media, proto string
	formats      []string
	port         int
}

// description is a parsed body. pion refuses kinds of media that it does not
// know (fax, say), so the m= lines are read here and it sees a plain one for each.
type description struct {
	*sdp.SessionDescription
	streams []stream
}

// remoteMedia is what the peer's session description says, as far as we use it.
// Direction is the peer's own, not turned round.
type remoteMedia struct {
	Addr      netip.AddrPort // RTP; the unspecified address: RFC 2543 hold
	RTCP      netip.AddrPort // zero: Addr's port + 1
	Codecs    []audioCodec   // in the peer's order, never empty
	DTMF      uint8          // telephone-event/8000, 0 when not offered
	PTime     time.Duration  // 0 when not named
	Direction media.Direction
	Version   uint64 // of the o= line

	streams []stream
	index   int // of the stream that we use
}

// Held reports whether the peer put us on hold: it does not want our audio
// (a=sendonly, a=inactive, c=0.0.0.0).
func (r *remoteMedia) Held() bool {
	return r.Direction == media.SendOnly || r.Direction == media.Inactive
}

// params is what the media stream is configured with; call it after answer or
// parseAnswer, which settle the codec.
func (r *remoteMedia) params(signalling netip.Addr) media.Params {
	return media.Params{
		Remote: r.Addr, RemoteRTCP: r.RTCP,
		Codec: r.Codecs[0].Codec, PayloadType: r.Codecs[0].PT, DTMFPayload: r.DTMF,
		Direction: turned(r.Direction), SignallingSource: signalling,
	}
}

// turned is the same direction seen from the other side.
func turned(d media.Direction) media.Direction {
	switch d {
	case media.SendOnly:
		return media.RecvOnly
	case media.RecvOnly:
		return media.SendOnly
	}
	return d
}

// parseOffer reads an offer and picks its first audio stream that we can take:
// plain RTP, G.711, an address that may be sent to. It returns errSDP,
// errNoCodec (also for a secure profile) or errAddress.
func parseOffer(body []byte) (*remoteMedia, error) {
	sd, err := readSDP(body)
	if err != nil {
		return nil, err
	}
	refused := fmt.Errorf("%w: no audio stream over %s", errNoCodec, plainRTP)
	for i := range sd.streams {
		r, err := readStream(sd, i)
		if err == nil {
			return r, nil
		}
		if errors.Is(err, errAddress) || !errors.Is(refused, errAddress) {
			refused = err
		}
	}
	return nil, refused
}

// readSDP parses a body leniently: any line ends, with or without the last one,
// and without the lines that we have no use for and others get wrong.
func readSDP(body []byte) (*description, error) {
	if len(body) > maxBodyBytes {
		return nil, fmt.Errorf("%w: %d bytes", errSDP, len(body))
	}
	var b bytes.Buffer
	d := &description{SessionDescription: new(sdp.SessionDescription)}
	n := 0
	for line := range bytes.FieldsFuncSeq(body, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if n++; n > maxLines {
			return nil, fmt.Errorf("%w: more than %d lines", errSDP, maxLines)
		}
		line = bytes.TrimRight(line, " \t")
		if len(line) < 2 || line[1] != '=' || bytes.IndexByte([]byte("vosctma"), line[0]) < 0 {
			continue
		}
		if line[0] == 'm' {
			s, err := readMediaLine(string(line[2:]))
			if err != nil {
				return nil, err
			}
			d.streams = append(d.streams, s)
			line = []byte("m=audio 9 RTP/AVP 0")
		}
		b.Write(line)
		b.WriteString("\r\n")
	}
	if err := d.Unmarshal(b.Bytes()); err != nil {
		return nil, fmt.Errorf("%w: %w", errSDP, err)
	}
	if n := len(d.MediaDescriptions); n == 0 || n > maxStreams || n != len(d.streams) {
		return nil, fmt.Errorf("%w: %d streams", errSDP, n)
	}
	return d, nil
}

// readMediaLine is RFC 8866 section 5.14: media, port with an optional count,
// profile, formats.
func readMediaLine(line string) (stream, error) {
	f := strings.Fields(line)
	if len(f) < 4 {
		return stream{}, fmt.Errorf("%w: m= line of %d words", errSDP, len(f))
	}
	digits, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return stream{}, fmt.Errorf("%w: port of an m= line", errSDP)
	}
	return stream{media: f[0], port: int(port), proto: f[2], formats: f[3:]}, nil
}

// readStream reads stream i, or says why it cannot be taken.
func readStream(sd *description, i int) (*remoteMedia, error) {
	m, s := sd.MediaDescriptions[i], sd.streams[i]
	if s.media != "audio" || s.proto != plainRTP {
		return nil, fmt.Errorf("%w: stream %d is %.20q over %.40q", errNoCodec, i+1, s.media, s.proto)
	}
	if s.port == 0 {
		return nil, fmt.Errorf("%w: stream %d is off", errNoCodec, i+1)
	}
	r := &remoteMedia{
		Version: sd.Origin.SessionVersion, Direction: directionOf(sd, m), streams: sd.streams, index: i,
	}
	r.readFormats(m, s.formats)
	if len(r.Codecs) == 0 {
		return nil, fmt.Errorf("%w: stream %d has neither PCMU nor PCMA", errNoCodec, i+1)
	}
	if err := r.readAddress(sd, m, uint16(s.port)); err != nil {
		return nil, err
	}
	if v, ok := m.Attribute("ptime"); ok {
		if ms, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && ms > 0 && ms <= 200 {
			r.PTime = time.Duration(ms) * time.Millisecond
		}
	}
	return r, nil
}

// directionOf is the stream's direction, else the session's, else sendrecv
// (RFC 8866 section 6.7).
func directionOf(sd *description, m *sdp.MediaDescription) media.Direction {
	for _, attrs := range [][]sdp.Attribute{m.Attributes, sd.Attributes} {
		for _, a := range attrs {
			switch strings.TrimSpace(a.Key) {
			case "sendrecv":
				return media.SendRecv
			case "sendonly":
				return media.SendOnly
			case "recvonly":
				return media.RecvOnly
			case "inactive":
				return media.Inactive
			}
		}
	}
	return media.SendRecv
}

// readFormats takes G.711 and telephone-event at 8 kHz, by rtpmap or by static
// payload type (RFC 3551 table 4).
func (r *remoteMedia) readFormats(m *sdp.MediaDescription, formats []string) {
	maps := make(map[string]string)
	for _, a := range m.Attributes {
		if pt, enc, ok := strings.Cut(strings.TrimSpace(a.Value), " "); ok && a.Key == "rtpmap" {
			maps[pt] = strings.ToUpper(strings.TrimSpace(enc))
		}
	}
	for _, f := range formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		enc, named := maps[f]
		if !named {
			enc = map[uint64]string{0: "PCMU/8000", 8: "PCMA/8000"}[pt]
		}
		switch strings.TrimSuffix(enc, "/1") {
		case "PCMU/8000":
			r.addCodec(audioCodec{media.PCMU, uint8(pt)})
		case "PCMA/8000":
			r.addCodec(audioCodec{media.PCMA, uint8(pt)})
		case "TELEPHONE-EVENT/8000":
			if r.DTMF == 0 {
				r.DTMF = uint8(pt)
			}
		}
	}
}

func (r *remoteMedia) addCodec(c audioCodec) {
	if !slices.ContainsFunc(r.Codecs, func(have audioCodec) bool { return have.Codec == c.Codec }) {
		r.Codecs = append(r.Codecs, c)
	}
}

// readAddress reads where RTP and RTCP go. RTCP at another host than RTP is not
// taken: it would only aim reports at a third party.
func (r *remoteMedia) readAddress(sd *description, m *sdp.MediaDescription, port uint16) error {
	ip, err := connectionOf(sd, m)
	if err != nil {
		return err
	}
	r.Addr = netip.AddrPortFrom(ip, port)
	if ip.IsUnspecified() { // hold of RFC 2543: whatever the attribute says, nothing is to be sent there
		switch r.Direction {
		case media.SendRecv:
			r.Direction = media.SendOnly
		case media.RecvOnly:
			r.Direction = media.Inactive
		}
		return nil
	}
	v, ok := m.Attribute("rtcp") // RFC 3605
	if !ok {
		return nil
	}
	f := strings.Fields(v)
	if len(f) == 0 || len(f) == 4 && f[3] != ip.String() {
		return nil
	}
	if n, err := strconv.ParseUint(f[0], 10, 16); err == nil && n > 0 {
		r.RTCP = netip.AddrPortFrom(ip, uint16(n))
	}
	return nil
}

// connectionOf is the stream's c= line, else the session's, as an address that
// media may be sent to. Names are not looked up.
func connectionOf(sd *description, m *sdp.MediaDescription) (netip.Addr, error) {
	c := m.ConnectionInformation
	if c == nil {
		c = sd.ConnectionInformation
	}
	if c == nil || c.Address == nil {
		return netip.Addr{}, fmt.Errorf("%w: no c= line", errSDP)
	}
	ip, err := netip.ParseAddr(c.Address.Address)
	if err != nil || c.NetworkType != "IN" {
		return netip.Addr{}, fmt.Errorf("%w: c= names no address", errAddress)
	}
	if (c.AddressType == "IP4") != ip.Is4() || c.AddressType != "IP4" && c.AddressType != "IP6" {
		return netip.Addr{}, fmt.Errorf("%w: %s is no %.10q address", errAddress, ip, c.AddressType)
	}
	ip = ip.Unmap()
	if ip.IsMulticast() || ip.Zone() != "" || ip.Is4() && !ip.IsUnspecified() && (ip.As4()[0] == 0 || ip.As4()[0] >= 240) {
		return netip.Addr{}, fmt.Errorf("%w: %s", errAddress, ip)
	}
	return ip, nil
}

// sendableFrom refuses a loopback address from a peer elsewhere: it would aim
// our media at our own services (T13 of the threat model is about the rest).
func (r *remoteMedia) sendableFrom(local netip.Addr) error {
	if r.Addr.Addr().IsLoopback() && !local.IsLoopback() {
		return fmt.Errorf("%w: %s is our own", errAddress, r.Addr.Addr())
	}
	return nil
}

// localMedia is our side of one leg's session description, over all its
// exchanges. The o= version grows by one with each description that differs
// from the one before (RFC 3264 section 8). One goroutine at a time.
type localMedia struct {
	addr    netip.AddrPort
	id      uint64
	version uint64
	last    []byte

	streams []stream // of the exchange before; nil at first
	index   int
	codec   audioCodec // what we use, once settled
	dtmf    uint8
	settled bool
}

// newLocalMedia describes the RTP socket at addr, as the peer is to see it.
func newLocalMedia(addr netip.AddrPort) *localMedia {
	var b [8]byte
	rand.Read(b[:])
	return &localMedia{addr: addr, id: binary.BigEndian.Uint64(b[:]) >> 2} // some phones read it as a signed number
}

// offer is our offer with the direction d: G.711 and telephone-event at first,
// then the same streams and payload types as agreed (RFC 3264 section 8.3.2).
func (l *localMedia) offer(d media.Direction) []byte {
	codecs := []audioCodec{{media.PCMU, uint8(media.PCMU)}, {media.PCMA, uint8(media.PCMA)}}
	dtmf := uint8(dtmfPT)
	if l.settled {
		dtmf = l.dtmf
		other := slices.DeleteFunc(codecs, func(c audioCodec) bool { return c.Codec == l.codec.Codec || c.PT == l.codec.PT })
		codecs = append([]audioCodec{l.codec}, other...)
	}
	if l.streams == nil {
		l.streams = []stream{{media: "audio", proto: plainRTP}}
	}
	return l.render(codecs, dtmf, d)
}

// parseAnswer reads the answer to our last offer and settles the codec.
func (l *localMedia) parseAnswer(body []byte) (*remoteMedia, error) {
	sd, err := readSDP(body)
	if err != nil {
		return nil, err
	}
	if len(sd.streams) <= l.index {
		return nil, fmt.Errorf("%w: %d streams in the answer", errSDP, len(sd.streams))
	}
	r, err := readStream(sd, l.index)
	if err != nil {
		return nil, err
	}
	l.settle(r)
	return r, nil
}

// answer answers the offer r and settles the codec: the one in use when the
// peer still offers it, else the peer's first. Streams that we do not take get
// port 0 in their places; rtcp-mux and secure profiles are declined by leaving
// them out.
func (l *localMedia) answer(r *remoteMedia) []byte {
	l.streams, l.index = r.streams, r.index
	if i := slices.IndexFunc(r.Codecs, func(c audioCodec) bool { return l.settled && c.Codec == l.codec.Codec }); i > 0 {
		r.Codecs[0], r.Codecs[i] = r.Codecs[i], r.Codecs[0]
	}
	l.settle(r)
	return l.render(r.Codecs[:1], r.DTMF, turned(r.Direction))
}

func (l *localMedia) settle(r *remoteMedia) {
	l.codec, l.dtmf, l.settled = r.Codecs[0], r.DTMF, true
}

// render writes the description, with the next version when it says something new.
func (l *localMedia) render(codecs []audioCodec, dtmf uint8, d media.Direction) []byte {
	family := "IP4"
	if l.addr.Addr().Is6() {
		family = "IP6"
	}
	host := l.addr.Addr().String()
	sd := &sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-", SessionID: l.id, SessionVersion: l.version,
			NetworkType: "IN", AddressType: family, UnicastAddress: host,
		},
		SessionName:           "-",
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: family, Address: &sdp.Address{Address: host}},
		TimeDescriptions:      []sdp.TimeDescription{{}},
	}
	for i, s := range l.streams {
		if i == l.index {
			sd.MediaDescriptions = append(sd.MediaDescriptions, l.audio(codecs, dtmf, d))
			continue
		}
		sd.MediaDescriptions = append(sd.MediaDescriptions, &sdp.MediaDescription{
			MediaName: sdp.MediaName{Media: s.media, Protos: strings.Split(s.proto, "/"), Formats: s.formats},
		})
	}
	out := marshal(sd)
	if l.last != nil && !bytes.Equal(out, l.last) {
		l.version++
		sd.Origin.SessionVersion = l.version
		out = marshal(sd)
	}
	l.last = out
	return bytes.Clone(out)
}

func (l *localMedia) audio(codecs []audioCodec, dtmf uint8, d media.Direction) *sdp.MediaDescription {
	m := &sdp.MediaDescription{MediaName: sdp.MediaName{
		Media: "audio", Port: sdp.RangedPort{Value: int(l.addr.Port())}, Protos: strings.Split(plainRTP, "/"),
	}}
	add := func(pt uint8, encoding string) {
		f := strconv.Itoa(int(pt))
		m.MediaName.Formats = append(m.MediaName.Formats, f)
		m.Attributes = append(m.Attributes, sdp.NewAttribute("rtpmap", f+" "+encoding))
	}
	for _, c := range codecs {
		add(c.PT, c.Codec.String()+"/8000")
	}
	if dtmf != 0 {
		add(dtmf, "telephone-event/8000")
		m.Attributes = append(m.Attributes, sdp.NewAttribute("fmtp", strconv.Itoa(int(dtmf))+" 0-15"))
	}
	m.Attributes = append(m.Attributes, sdp.NewAttribute("ptime", "20"), sdp.NewPropertyAttribute(d.String()))
	return m
}

// marshal cannot err: pion reports nothing but what its own buffer reports.
func marshal(sd *sdp.SessionDescription) []byte {
	b, err := sd.Marshal()
	if err != nil {
		return nil
	}
	return b
}
