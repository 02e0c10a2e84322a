package sip

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// route is what a request inside a dialog is made from (RFC 3261 section 12.1). Its owner guards it.
type route struct {
	callID        string
	local, remote identity
	target        sip.Uri   // the peer's Contact
	routes        []sip.Uri // route set, in the order of Route headers
	flow          flow
	sticky        bool   // a phone: always its flow, whatever its Contact says (it is often behind NAT)
	seq           uint32 // of our last request
}

// identity is one end of a dialog: the URI and tag of From or To.
type identity struct {
	name string
	uri  sip.Uri
	tag  string
}

// request makes the next request of the dialog. ACK and CANCEL keep the number of their INVITE.
func (r *route) request(method sip.RequestMethod, seq uint32) *sip.Request {
	recipient, routes := r.target, r.routes
	if len(routes) > 0 {
		if _, loose := routes[0].UriParams.Get("lr"); !loose { // a strict router (RFC 3261 section 12.2.1.1)
			recipient = routes[0]
			routes = append(append([]sip.Uri(nil), routes[1:]...), r.target)
		}
	}
	req := sip.NewRequest(method, *recipient.Clone())
	for _, u := range routes {
		req.AppendHeader(&sip.RouteHeader{Address: *u.Clone()})
	}
	maxForwards := sip.MaxForwardsHeader(70)
	callID := sip.CallIDHeader(r.callID)
	req.AppendHeader(&maxForwards)
	req.AppendHeader(&sip.FromHeader{DisplayName: r.local.name, Address: *r.local.uri.Clone(), Params: tagParams(r.local.tag)})
	req.AppendHeader(&sip.ToHeader{DisplayName: r.remote.name, Address: *r.remote.uri.Clone(), Params: tagParams(r.remote.tag)})
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: method})
	req.AppendHeader(sip.NewHeader("User-Agent", productName))
	return req
}

// hop is the flow of the next request: a phone's own, a stream's connection, else where route set or target
// point when that is an address. Names are not looked up inside a call.
func (r *route) hop() flow {
	f := r.flow
	if r.sticky || f.sock == nil || f.sock.packet == nil {
		return f
	}
	uri := r.target
	if len(r.routes) > 0 {
		uri = r.routes[0]
	}
	ip, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err != nil || ip.IsUnspecified() || ip.IsMulticast() {
		return f
	}
	if ip.IsPrivate() && !f.peer.Addr().IsPrivate() { // its own idea of its address, from behind NAT
		return f
	}
	port := uri.Port
	if port == 0 {
		port = 5060
	}
	f.peer = netip.AddrPortFrom(ip.Unmap(), uint16(port))
	return f
}

// refresh takes the peer's Contact of a target refresh (RFC 3261 section 12.2).
func (r *route) refresh(c *sip.ContactHeader) {
	if c != nil && !c.Address.Wildcard && c.Address.Host != "" {
		r.target = *c.Address.Clone()
	}
}

// routeSet reads Record-Route in the order of the message.
func routeSet(msg sip.Message) []sip.Uri {
	var set []sip.Uri
	for _, h := range msg.GetHeaders("Record-Route") {
		for _, part := range splitList(h.Value()) {
			from, to := strings.IndexByte(part, '<'), strings.LastIndexByte(part, '>')
			if from < 0 || to < from {
				continue
			}
			var uri sip.Uri
			if sip.ParseUri(part[from+1:to], &uri) == nil {
				set = append(set, uri)
			}
		}
	}
	return set
}

// splitList splits a header value at commas outside quotes and angle brackets.
func splitList(s string) []string {
	var parts []string
	quoted, angle, start := false, false, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' && (i == 0 || s[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

func tagParams(tag string) sip.HeaderParams {
	if tag == "" {
		return nil
	}
	return sip.HeaderParams{{K: "tag", V: tag}}
}
