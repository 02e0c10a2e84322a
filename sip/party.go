package sip

import (
	"net/url"
	"strings"

	"github.com/emiago/sipgo/sip"

	"firstline/call"
)

const maxPartyRunes = 64

// partyOf is who sends req: From, or P-Asserted-Identity when the peer is
// trusted (RFC 3325). A caller who asks for privacy (RFC 3323) is not named.
func partyOf(req *sip.Request, trusted bool) call.Party {
	var pai []string
	for _, h := range req.GetHeaders("p-asserted-identity") {
		pai = append(pai, splitList(h.Value())...)
	}
	if trusted {
		for _, h := range req.GetHeaders("privacy") {
			for v := range strings.SplitSeq(strings.ToLower(h.Value()), ";") {
				switch strings.TrimSpace(v) {
				case "id", "user", "full":
					return call.Party{}
				}
			}
		}
	}
	return cleanParty(req.From(), pai, trusted)
}

// cleanParty is the pure half of partyOf. pai holds the values of the
// P-Asserted-Identity headers, one address each; they count only when trusted.
// The first address with a number wins.
func cleanParty(from *sip.FromHeader, pai []string, trusted bool) call.Party {
	var p call.Party
	if from != nil {
		p = partyOfAddress(from.DisplayName, &from.Address)
	}
	if !trusted {
		return p
	}
	for _, v := range pai[:min(len(pai), 8)] {
		var uri sip.Uri
		var params sip.HeaderParams
		name, err := sip.ParseAddressValue(strings.TrimSpace(v), &uri, &params)
		if err != nil {
			continue
		}
		if a := partyOfAddress(name, &uri); a.Number != "" {
			if a.Name == "" && a.Number == p.Number {
				a.Name = p.Name
			}
			return a
		}
	}
	return p
}

func partyOfAddress(name string, uri *sip.Uri) call.Party {
	p := call.Party{Number: numberOf(uri), Name: call.CleanText(unquotePairs(name), maxPartyRunes)}
	if p.Number == "" && withheld(p.Name) {
		p.Name = ""
	}
	return p
}

// numberOf is the user part of a SIP URI or the number of a tel URI (RFC 3966),
// without parameters and visual separators; empty when it is withheld.
func numberOf(uri *sip.Uri) string {
	user := uri.User
	if uri.Scheme == "tel" {
		user = uri.Raw()
	}
	user, _, _ = strings.Cut(user, ";")
	if decoded, err := url.PathUnescape(user); err == nil {
		user = decoded
	}
	user = call.CleanText(user, maxPartyRunes)
	if withheld(user) || strings.EqualFold(uri.Host, "anonymous.invalid") {
		return ""
	}
	bare := strings.Map(func(c rune) rune {
		if strings.ContainsRune("-.() ", c) {
			return -1
		}
		return c
	}, user)
	if bare != "" && strings.Trim(bare, "+0123456789*#") == "" {
		return bare
	}
	return user // a name: its dots and hyphens belong to it
}

// withheld knows the words that switches put where a number is kept back.
func withheld(s string) bool {
	switch strings.ToLower(s) {
	case "", "anonymous", "unavailable", "restricted", "private", "unknown", "withheld":
		return true
	}
	return false
}

// unquotePairs undoes the quoted pairs of a display name (RFC 3261 section 25.1).
func unquotePairs(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
