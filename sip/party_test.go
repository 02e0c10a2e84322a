package sip

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"

	"firstline/call"
)

func fromHeader(t testing.TB, value string) *sip.FromHeader {
	t.Helper()
	h := new(sip.FromHeader)
	var err error
	if h.DisplayName, err = sip.ParseAddressValue(value, &h.Address, &h.Params); err != nil {
		t.Fatalf("%q: %v", value, err)
	}
	return h
}

func TestCallerIsNamedByCleanedText(t *testing.T) {
	for _, tt := range []struct {
		from string
		want call.Party
	}{
		{`"Ana" <sip:+4930123456@h>;tag=1`, call.Party{Number: "+4930123456", Name: "Ana"}},
		{`<sip:2001@h>`, call.Party{Number: "2001"}},
		{`sip:2001@h;tag=1`, call.Party{Number: "2001"}},
		{`<sip:+49-30-(123).456@h;user=phone>`, call.Party{Number: "+4930123456"}},
		{`<sip:%2B4930123@h>`, call.Party{Number: "+4930123"}},
		{`<sip:+4930123;cpc=ordinary@h>`, call.Party{Number: "+4930123"}},
		{`<tel:+49-30-123;phone-context=x>`, call.Party{Number: "+4930123"}},
		{`<sip:anna-maria.k@h>`, call.Party{Number: "anna-maria.k"}},
		{`"Anonymous" <sip:anonymous@anonymous.invalid>`, call.Party{}},
		{`"Anonymous" <sip:c8oqz84zk7z@anonymous.invalid>`, call.Party{}},
		{`"Ana" <sip:Restricted@h>`, call.Party{Name: "Ana"}},
		{`<sip:h>`, call.Party{}},
		{`"J \"Jim\" \\ K" <sip:1@h>`, call.Party{Number: "1", Name: `J "Jim" \ K`}},
		{"\"A\x1b[31m\x00b\x7f\" <sip:1@h>", call.Party{Number: "1", Name: "A[31mb"}},
		{"\"\xff\xfeA\u202eB\u2028C\" <sip:1@h>", call.Party{Number: "1", Name: "ABC"}},
		{"\"  A \t  B  \" <sip:1@h>", call.Party{Number: "1", Name: "A B"}},
		{`"` + strings.Repeat("ä", 100) + `" <sip:1@h>`, call.Party{Number: "1", Name: strings.Repeat("ä", 64)}},
		{`<sip:` + strings.Repeat("1", 100) + `@h>`, call.Party{Number: strings.Repeat("1", 64)}},
		{`<sip:null-%00-null@h>`, call.Party{Number: "null--null"}},
		{`<sip:10%4@h>`, call.Party{Number: "10%4"}},
	} {
		if diff := cmp.Diff(tt.want, cleanParty(fromHeader(t, tt.from), nil, false)); diff != "" {
			t.Errorf("%s:\n%s", tt.from, diff)
		}
	}
}

func TestAssertedIdentityCountsOnlyFromATrustedPeer(t *testing.T) {
	from := fromHeader(t, `"Forged" <sip:+1900@h>`)
	pai := []string{`"Ana" <sip:ana@h>`, ` <tel:+49-30-123>`}
	forged := call.Party{Number: "+1900", Name: "Forged"}
	if diff := cmp.Diff(forged, cleanParty(from, pai, false)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(call.Party{Number: "ana", Name: "Ana"}, cleanParty(from, pai, true)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(call.Party{Number: "+4930123"}, cleanParty(from, []string{"garbage <", "<sip:anonymous@h>", "<tel:+49-30-123>"}, true)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(forged, cleanParty(from, nil, true)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(call.Party{}, cleanParty(nil, nil, true)); diff != "" {
		t.Error(diff)
	}
}

func TestAssertedNumberBorrowsTheNameOfTheSameCaller(t *testing.T) {
	from := fromHeader(t, `"Ana" <sip:+4930123@h>`)
	if diff := cmp.Diff(call.Party{Number: "+4930123", Name: "Ana"}, cleanParty(from, []string{"<tel:+4930123>"}, true)); diff != "" {
		t.Error(diff)
	}
}

func TestCallerWhoAsksForPrivacyIsNotNamed(t *testing.T) {
	req := parseRequest(t, strings.Replace(goodInvite, "Max-Forwards: 70",
		"P-Asserted-Identity: \"Ana, K\" <sip:+4930123@h>, <tel:+4930123>\nPrivacy: id;critical", 1))
	if diff := cmp.Diff(call.Party{}, partyOf(req, true)); diff != "" {
		t.Error(diff)
	}
	req.RemoveHeader("Privacy")
	if diff := cmp.Diff(call.Party{Number: "+4930123", Name: "Ana, K"}, partyOf(req, true)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(call.Party{Number: "2001", Name: "Ana"}, partyOf(req, false)); diff != "" {
		t.Error(diff)
	}
}

// FuzzCleanText: whatever comes in, what goes out is short, valid and without controls.
func FuzzCleanText(f *testing.F) {
	f.Add("Ana \x1b\xff\u202e")
	f.Add(strings.Repeat(" a", 100))
	f.Fuzz(func(t *testing.T, s string) {
		out := call.CleanText(unquotePairs(s), maxPartyRunes)
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > maxPartyRunes || hasControl(out) {
			t.Fatalf("%q", out)
		}
		if again := call.CleanText(out, maxPartyRunes); again != out {
			t.Fatalf("%q becomes %q", out, again)
		}
	})
}
