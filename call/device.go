package call

import "time"

// Credential is what the registrar needs to check a phone's password without
// knowing it: hashes of user:realm:password (RFC 7616 section 3.4.2), in
// lower-case hex.
type Credential struct {
	User      string `json:"user"`
	Realm     string `json:"realm"`
	HA1MD5    string `json:"ha1_md5"`
	HA1SHA256 string `json:"ha1_sha256"`
}

// Binding is one registered contact of a device (RFC 3261 section 10.2).
type Binding struct {
	Device    DeviceID  `json:"device"`
	Contact   string    `json:"contact"`   // SIP URI to send requests to
	Source    string    `json:"source"`    // host:port that the REGISTER came from
	Transport string    `json:"transport"` // "udp", "tcp", "tls"
	CallID    string    `json:"call_id"`
	CSeq      uint32    `json:"cseq"`
	Expires   time.Time `json:"expires"`
	UserAgent string    `json:"user_agent,omitempty"`
}
