package sip

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// tortureMessage reads a message of RFC 4475 from testdata. The files use the RFC's
// own notation (its section 2.2): bytes that do not print stand as <hex>…</hex>.
// Line ends in the file are CRLF on the wire.
func tortureMessage(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "rfc4475", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	rest := strings.ReplaceAll(string(text), "\n", "\r\n")
	var wire []byte
	for {
		before, after, found := strings.Cut(rest, "<hex>")
		wire = append(wire, before...)
		if !found {
			return wire
		}
		digits, tail, _ := strings.Cut(after, "</hex>")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wire, rest = append(wire, b...), tail
	}
}

// treatment is what happens to a message that comes in.
type treatment int

const (
	silent    treatment = -2 // sipgo's parser refuses it: no answer, no state
	ignored   treatment = -1 // a response that no transaction gets to see
	handled   treatment = 0  // goes to its handler
	stateless treatment = 1  // sipgo's transaction layer answers 400 before any handler
	// any other value is the status of validate's refusal
)

// treat runs a message through the same gates as the server does.
func treat(wire []byte) (treatment, sip.Message) {
	msg, err := sip.NewParser().ParseSIP(wire)
	if err != nil {
		return silent, nil
	}
	switch msg := msg.(type) {
	case *sip.Response:
		if validateResponse(msg) != nil {
			return ignored, msg
		}
	case *sip.Request:
		if !transactionKey(msg) {
			return stateless, msg
		}
		if rej := validate(msg); rej != nil {
			if rej.Drop {
				return silent, msg
			}
			return treatment(rej.Status), msg
		}
	}
	return handled, msg
}

// transactionKey says whether sipgo can make a transaction of req: a Via and a
// CSeq, and either a branch with the cookie and more, or a From tag.
func transactionKey(req *sip.Request) bool {
	via := req.Via()
	if via == nil || req.CSeq() == nil {
		return false
	}
	branch, _ := via.Params.Get("branch")
	if rest, ok := strings.CutPrefix(branch, sip.RFC3261BranchMagicCookie); ok && rest != "" {
		return true
	}
	if req.From() == nil {
		return false
	}
	tag, _ := req.From().Params.Get("tag")
	return tag != ""
}

func TestEveryTortureMessageOfRFC4475GetsItsTreatment(t *testing.T) {
	tests := []struct {
		section, name string
		want          treatment
		why           string // where the treatment is not what the RFC's text asks for first
	}{
		// 3.1.1 valid
		{"3.1.1.1", "wsinv", stateless, "sipgo keeps the blanks around the name of the From tag"},
		{"3.1.1.2", "intmeth", handled, ""}, // and answered 405 there
		{"3.1.1.3", "esc01", handled, ""},
		{"3.1.1.4", "escnull", handled, ""},
		{"3.1.1.5", "esc02", handled, ""},
		{"3.1.1.6", "lwsdisp", handled, ""},
		{"3.1.1.7", "longreq", handled, ""},
		{"3.1.1.8", "dblreq", handled, ""},
		{"3.1.1.9", "semiuri", handled, ""},
		{"3.1.1.10", "transports", handled, ""},
		{"3.1.1.11", "mpart01", handled, ""},
		{"3.1.1.12", "unreason", handled, ""},
		{"3.1.1.13", "noreason", handled, ""},
		// 3.1.2 invalid: 400 is right, and so is silence
		{"3.1.2.1", "badinv01", silent, ""},
		{"3.1.2.2", "clerr", silent, ""},
		{"3.1.2.3", "ncl", silent, ""},
		{"3.1.2.4", "scalar02", silent, ""},
		{"3.1.2.5", "scalarlg", silent, ""},
		{"3.1.2.6", "quotbal", silent, ""},
		{"3.1.2.7", "ltgtruri", silent, ""},
		{"3.1.2.8", "lwsruri", silent, ""},
		{"3.1.2.9", "lwsstart", silent, ""},
		{"3.1.2.10", "trws", silent, ""},
		{"3.1.2.11", "escruri", 400, ""},
		{"3.1.2.12", "baddate", handled, "a Date is nothing that we read"},
		{"3.1.2.13", "regbadct", handled, "the registrar refuses it"},
		{"3.1.2.14", "badaspec", silent, ""},
		{"3.1.2.15", "baddn", silent, ""},
		{"3.1.2.16", "badvers", 505, ""},
		{"3.1.2.17", "mismatch01", 400, ""},
		{"3.1.2.18", "mismatch02", 400, ""},
		{"3.1.2.19", "bigcode", silent, ""},
		// 3.2 transaction layer
		{"3.2.1", "badbranch", 400, ""},
		// 3.3 application layer
		{"3.3.1", "insuf", 400, ""},
		{"3.3.2", "unkscm", 416, ""},
		{"3.3.3", "novelsc", silent, "sipgo's parser refuses the scheme before us"},
		{"3.3.4", "unksm2", 400, ""},
		{"3.3.5", "bext01", 420, ""},
		{"3.3.6", "invut", 415, ""},
		{"3.3.7", "regaut01", handled, "the registrar challenges it"},
		{"3.3.8", "multi01", 400, ""},
		{"3.3.9", "mcl01", 400, ""},
		{"3.3.10", "bcast", ignored, ""},
		{"3.3.11", "zeromf", handled, "we are the end of the way, not a proxy"},
		{"3.3.12", "cparam01", handled, ""},
		{"3.3.13", "cparam02", handled, ""},
		{"3.3.14", "regescrt", handled, "the registrar refuses it"},
		{"3.3.15", "sdp01", handled, "an INVITE's Accept asks for no body that we send"},
		// 3.4 backward compatibility
		{"3.4.1", "inv2543", stateless, "without a From tag nothing can be told apart; RFC 2543 is not served"},
	}
	if len(tests) != 49 {
		t.Fatalf("%d messages, want all 49", len(tests))
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, msg := treat(tortureMessage(t, tt.name))
			if got != tt.want {
				t.Errorf("section %s: treatment %d, want %d", tt.section, got, tt.want)
			}
			if req, ok := msg.(*sip.Request); ok && got >= 400 {
				if rej := validate(req); !req.IsAck() && rej.response(req).SipVersion != "SIP/2.0" {
					t.Error("the refusal is not SIP/2.0")
				}
			}
		})
	}
}

func TestRefusalNamesWhatIsNotSupported(t *testing.T) {
	for name, want := range map[string][2]string{
		"bext01": {"Unsupported", "nothingSupportsThis, nothingSupportsThisEither"},
		"invut":  {"Accept", "application/sdp"},
	} {
		_, msg := treat(tortureMessage(t, name))
		req := msg.(*sip.Request)
		res := validate(req).response(req)
		if h := res.GetHeader(want[0]); h == nil || h.Value() != want[1] {
			t.Errorf("%s: %v, want %s: %s", name, h, want[0], want[1])
		}
	}
}

func TestEveryTortureFileIsGraded(t *testing.T) {
	files, err := filepath.Glob("testdata/rfc4475/*.txt")
	if err != nil || len(files) != 49 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if !slices.IsSorted(files) {
		t.Error("glob is not sorted")
	}
}
