package sip

import (
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Bounds on one message. The longest message of RFC 4475 (longreq) stays well
// below them; sipgo itself stops at 64 KiB.
const (
	maxHeaders     = 256
	maxHeaderBytes = 4 << 10  // of one header field value
	maxEchoedBytes = 12 << 10 // of what a response must repeat: Via, From, To, Call-ID, CSeq
	maxURIBytes    = 1 << 10
	maxBodyBytes   = 32 << 10
)

// reject says how a request is turned away. Drop means that no answer is sent
// at all.
type reject struct {
	Status  int
	Reason  string
	Headers []sip.Header
	Drop    bool
}

// response is the answer to req. It is nil when there is none to send: the
// request is dropped, or it is an ACK (RFC 3261 section 17.2.1).
func (r *reject) response(req *sip.Request) *sip.Response {
	if r.Drop || req.IsAck() {
		return nil
	}
	res := sip.NewResponseFromRequest(req, r.Status, r.Reason, nil)
	res.SipVersion = "SIP/2.0" // not the version of a peer that is refused for it
	for _, h := range r.Headers {
		res.AppendHeader(h)
	}
	return res
}

func badRequest(format string, args ...any) *reject {
	return &reject{Status: sip.StatusBadRequest, Reason: "Bad Request: " + fmt.Sprintf(format, args...)}
}

// validate checks a request before any handler sees it (RFC 3261 sections 8.2
// and 16.3, RFC 4475); nil means that it may go on. It reads the parsed message
// only: what sipgo's parser refuses never comes here and stays unanswered.
//
// Max-Forwards may be zero or missing, because we are the end of the way and
// forward nothing (RFC 3261 section 8.2 names no such check for a UAS). Merged
// requests are left to whoever keeps the transactions.
func validate(req *sip.Request) *reject {
	if len(req.Headers()) > maxHeaders {
		return &reject{Drop: true}
	}
	seen, rej := inventory(req.Headers())
	if rej != nil {
		return rej
	}
	if !strings.EqualFold(req.SipVersion, "SIP/2.0") {
		return &reject{Status: sip.StatusVersionNotSupported, Reason: "Version Not Supported"}
	}
	if rej := seen.mandatory(); rej != nil {
		return rej
	}
	for _, check := range []func(*sip.Request) *reject{
		checkSequence, checkBranch, checkRequestURI, checkParties, checkContact, checkRequire, checkBody,
	} {
		if rej := check(req); rej != nil {
			return rej
		}
	}
	return nil
}

// fields counts the header fields that may appear once only.
type fields struct {
	via, from, to, callID, cseq, maxForwards, contentLength, contentType, expires int
}

// inventory counts fields and looks at the bytes of each. A message whose
// echoed fields hold line ends, or are too long for any answer, gets none: the
// answer would carry them on.
func inventory(headers []sip.Header) (fields, *reject) {
	var f fields
	var rej *reject
	echoed := 0
	for _, h := range headers {
		echo := true
		switch h.(type) {
		case *sip.ViaHeader:
			f.via++
		case *sip.FromHeader:
			f.from++
		case *sip.ToHeader:
			f.to++
		case *sip.CallIDHeader:
			f.callID++
		case *sip.CSeqHeader:
			f.cseq++
		default:
			echo = false
			f.countPlain(h)
		}
		value := h.Value()
		bad := hasControl(value) || hasControl(h.Name())
		switch {
		case echo && bad:
			return f, &reject{Drop: true}
		case bad:
			rej = badRequest("control character in a header field")
		case len(value) > maxHeaderBytes:
			rej = &reject{Status: sip.StatusMessageTooLarge, Reason: "Message Too Large"}
		}
		if echo {
			echoed += len(value)
		}
	}
	if echoed > maxEchoedBytes {
		return f, &reject{Drop: true}
	}
	return f, rej
}

func (f *fields) countPlain(h sip.Header) {
	switch h.(type) {
	case *sip.MaxForwardsHeader:
		f.maxForwards++
	case *sip.ContentLengthHeader:
		f.contentLength++
	case *sip.ContentTypeHeader:
		f.contentType++
	default:
		if strings.EqualFold(h.Name(), "Expires") {
			f.expires++
		}
	}
}

// mandatory is RFC 3261 section 8.1.1: what must be there, and what must be
// there once. Of two values nobody knows which one the peer means.
func (f *fields) mandatory() *reject {
	for _, c := range []struct {
		name        string
		n, min, max int
	}{
		{"Via", f.via, 1, maxHeaders},
		{"From", f.from, 1, 1},
		{"To", f.to, 1, 1},
		{"Call-ID", f.callID, 1, 1},
		{"CSeq", f.cseq, 1, 1},
		{"Max-Forwards", f.maxForwards, 0, 1},
		{"Content-Length", f.contentLength, 0, 1},
		{"Content-Type", f.contentType, 0, 1},
		{"Expires", f.expires, 0, 1},
	} {
		switch {
		case c.n < c.min:
			return badRequest("missing %s", c.name)
		case c.n > c.max:
			return badRequest("more than one %s", c.name)
		}
	}
	return nil
}

// hasControl reports control characters other than tab. A quoted pair may hold
// any but a line end (RFC 3261 section 25.1).
func hasControl(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != 0x7f || c == '\t' {
			continue
		}
		if c == '\r' || c == '\n' || i == 0 || s[i-1] != '\\' {
			return true
		}
	}
	return false
}

// checkSequence is RFC 3261 section 8.1.1.5. sipgo puts the method of the
// request line into upper case, so the comparison ignores case.
func checkSequence(req *sip.Request) *reject {
	cseq := req.CSeq()
	if !strings.EqualFold(strings.TrimSpace(string(cseq.MethodName)), string(req.Method)) {
		return badRequest("CSeq method differs from the request's")
	}
	if cseq.SeqNo >= 1<<31 {
		return badRequest("CSeq out of range")
	}
	if m := req.MaxForwards(); m != nil && m.Val() > 255 {
		return badRequest("Max-Forwards out of range")
	}
	return nil
}

// checkBranch refuses the cookie alone, which every such request would share
// (RFC 4475 section 3.2.1). No cookie, or no branch, is RFC 2543 and let through:
// sipgo then matches by tag, Call-ID and CSeq.
func checkBranch(req *sip.Request) *reject {
	via := req.Via()
	if via == nil || via.Host == "" || via.Port < 0 || via.Port > 65535 {
		return badRequest("Via sent-by")
	}
	branch, _ := via.Params.Get("branch")
	if strings.EqualFold(branch, sip.RFC3261BranchMagicCookie) {
		return badRequest("Via branch is the cookie alone")
	}
	return nil
}

// checkRequestURI is RFC 3261 section 8.2.2.1 and 19.1.1: a Request-URI has a
// scheme that we know and carries no header fields.
func checkRequestURI(req *sip.Request) *reject {
	u := &req.Recipient
	if !isScheme(u.Scheme) {
		return badRequest("Request-URI")
	}
	if u.Scheme != "sip" && u.Scheme != "sips" {
		return &reject{Status: sip.StatusRequestedRangeNotSatisfiable, Reason: "Unsupported URI Scheme"}
	}
	if len(u.String()) > maxURIBytes {
		return &reject{Status: sip.StatusRequestURITooLong, Reason: "Request-URI Too Long"}
	}
	if u.Headers.Length() > 0 {
		return badRequest("header fields in the Request-URI")
	}
	return checkURI(u, "Request-URI")
}

// isScheme is the grammar of RFC 3986 section 3.1.
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(s[i]))) {
			return false
		}
	}
	return s != ""
}

// checkURI checks what sipgo leaves open in a SIP URI: an empty host, spaces, a
// port that is none, an escape that is cut off. Other schemes are opaque.
func checkURI(u *sip.Uri, where string) *reject {
	if u.Scheme != "sip" && u.Scheme != "sips" {
		return nil
	}
	switch {
	case u.Host == "" || strings.ContainsAny(u.Host, " \t\"<>@,"):
		return badRequest("host of %s", where)
	case u.Port < 0 || u.Port > 65535:
		return badRequest("port of %s", where)
	case strings.ContainsAny(u.User, " \t<>\"") || !validEscapes(u.User) || !validEscapes(u.Password):
		return badRequest("user of %s", where)
	}
	return nil
}

// validEscapes reports whether every % starts a complete escape (RFC 3261 section 25.1).
func validEscapes(s string) bool {
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			return true
		}
		if len(s) < i+3 || !isHex(s[i+1]) || !isHex(s[i+2]) {
			return false
		}
		s = s[i+3:]
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// checkParties wants a From tag: without it nothing can be told apart, and
// sipgo's transactions need it (RFC 3261 section 8.1.1.3).
func checkParties(req *sip.Request) *reject {
	if tag, _ := req.From().Params.Get("tag"); tag == "" {
		return badRequest("From without tag")
	}
	if rej := checkURI(&req.From().Address, "From"); rej != nil {
		return rej
	}
	if rej := checkURI(&req.To().Address, "To"); rej != nil {
		return rej
	}
	if s := req.To().Address.Scheme; req.Method == sip.REGISTER && s != "sip" && s != "sips" {
		return badRequest("To of a REGISTER is no SIP URI") // RFC 3261 section 10.3 step 5
	}
	return nil
}

// checkContact is RFC 3261 section 8.1.1.8: requests that can open a dialog name
// exactly one SIP URI to answer to.
func checkContact(req *sip.Request) *reject {
	contacts := req.GetHeaders("contact")
	for _, h := range contacts {
		c, ok := h.(*sip.ContactHeader)
		if !ok {
			return badRequest("Contact")
		}
		if c.Address.Wildcard {
			if req.Method != sip.REGISTER {
				return badRequest("Contact * outside REGISTER")
			}
			continue
		}
		if rej := checkURI(&c.Address, "Contact"); rej != nil {
			return rej
		}
	}
	if req.Method != sip.INVITE && req.Method != sip.SUBSCRIBE && req.Method != sip.REFER {
		return nil
	}
	if len(contacts) != 1 {
		return badRequest("%s needs one Contact", req.Method)
	}
	if s := contacts[0].(*sip.ContactHeader).Address.Scheme; s != "sip" && s != "sips" {
		return badRequest("Contact is no SIP URI")
	}
	return nil
}

// checkRequire is RFC 3261 section 8.2.2.3. We have no extension that a peer can
// require; ACK and CANCEL are not to be refused for it.
func checkRequire(req *sip.Request) *reject {
	if req.IsAck() || req.IsCancel() {
		return nil
	}
	var tags []string
	for _, h := range req.GetHeaders("require") {
		for t := range strings.SplitSeq(h.Value(), ",") {
			if t = strings.TrimSpace(t); t != "" {
				tags = append(tags, t)
			}
		}
	}
	if len(tags) == 0 {
		return nil
	}
	return &reject{Status: sip.StatusBadExtension, Reason: "Bad Extension", Headers: []sip.Header{
		sip.NewHeader("Unsupported", strings.Join(tags, ", ")),
	}}
}

// checkBody is RFC 3261 section 8.2.3, for the requests whose body we read.
func checkBody(req *sip.Request) *reject {
	body := req.Body()
	if len(body) > maxBodyBytes {
		return &reject{Status: sip.StatusRequestEntityTooLarge, Reason: "Request Entity Too Large"}
	}
	if l := req.ContentLength(); l != nil && int(*l) != len(body) {
		return badRequest("Content-Length does not fit the body")
	}
	if len(body) == 0 || req.Method != sip.INVITE && req.Method != sip.UPDATE && !req.IsAck() {
		return nil
	}
	for _, name := range []string{"content-encoding", "e"} {
		for _, h := range req.GetHeaders(name) {
			if !strings.EqualFold(strings.TrimSpace(h.Value()), "identity") {
				return &reject{
					Status: sip.StatusUnsupportedMediaType, Reason: "Unsupported Media Type",
					Headers: []sip.Header{sip.NewHeader("Accept-Encoding", "identity")},
				}
			}
		}
	}
	ct := req.ContentType()
	if ct == nil {
		return badRequest("body without Content-Type")
	}
	if !isSDP(ct.Value()) {
		return &reject{
			Status: sip.StatusUnsupportedMediaType, Reason: "Unsupported Media Type",
			Headers: []sip.Header{sip.NewHeader("Accept", "application/sdp")},
		}
	}
	return nil
}

// isSDP reports whether a Content-Type is application/sdp, parameters aside.
func isSDP(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/sdp")
}

// validateResponse checks a response before a transaction's owner acts on it.
// An error means: ignore the response (RFC 3261 sections 8.1.3.3 and 18.1.2).
func validateResponse(res *sip.Response) error {
	if !strings.EqualFold(res.SipVersion, "SIP/2.0") {
		return fmt.Errorf("sip: response version %.20q", res.SipVersion)
	}
	if res.StatusCode < 100 || res.StatusCode > 699 {
		return fmt.Errorf("sip: response status %d", res.StatusCode)
	}
	if len(res.Headers()) > maxHeaders {
		return fmt.Errorf("sip: response with %d header fields", len(res.Headers()))
	}
	f, rej := inventory(res.Headers())
	if rej == nil {
		rej = f.mandatory()
	}
	if rej != nil {
		return fmt.Errorf("sip: response: %s", rej.Reason)
	}
	if f.via != 1 {
		return fmt.Errorf("sip: response with %d Via, meant for somebody else", f.via)
	}
	if tag, _ := res.From().Params.Get("tag"); tag == "" {
		return fmt.Errorf("sip: response without From tag")
	}
	if tag, _ := res.To().Params.Get("tag"); tag == "" && res.StatusCode >= 200 && res.StatusCode < 300 {
		return fmt.Errorf("sip: %d without To tag", res.StatusCode)
	}
	if len(res.Body()) > maxBodyBytes {
		return fmt.Errorf("sip: response body of %d bytes", len(res.Body()))
	}
	return nil
}
