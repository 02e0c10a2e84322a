package sign

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// The example of the specification.
func TestTheSpecificationsExample(t *testing.T) {
	s, err := Parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	at := time.Unix(1614265330, 0)
	body := []byte(`{"test": 2432232314}`)
	Sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, s)
	if got := h.Get(HeaderSignature); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signature %s", got)
	}
	if err := Verify(h, body, at.Add(Tolerance), s); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotSignedByUsNowIsRefused(t *testing.T) {
	s, other := New(), New()
	at := time.Unix(1e9, 0)
	body := []byte("{}")
	signed := func(change func(http.Header)) http.Header {
		h := http.Header{}
		Sign(h, "msg_1", at, body, other, s)
		change(h)
		return h
	}
	for name, c := range map[string]struct {
		h    http.Header
		body string
		now  time.Time
		want error
	}{
		"as signed":          {signed(func(http.Header) {}), "{}", at, nil},
		"replayed too late":  {signed(func(http.Header) {}), "{}", at.Add(Tolerance + time.Second), ErrStale},
		"from the future":    {signed(func(http.Header) {}), "{}", at.Add(-Tolerance - time.Second), ErrStale},
		"another body":       {signed(func(http.Header) {}), "{ }", at, ErrSignature},
		"another id":         {signed(func(h http.Header) { h.Set(HeaderID, "msg_2") }), "{}", at, ErrSignature},
		"a moved timestamp":  {signed(func(h http.Header) { h.Set(HeaderTimestamp, "1000000001") }), "{}", at, ErrSignature},
		"a huge timestamp":   {signed(func(h http.Header) { h.Set(HeaderTimestamp, "9223372036854775807") }), "{}", at, ErrStale},
		"no timestamp":       {signed(func(h http.Header) { h.Del(HeaderTimestamp) }), "{}", at, ErrSignature},
		"no id":              {signed(func(h http.Header) { h.Del(HeaderID) }), "{}", at, ErrSignature},
		"another version":    {signed(func(h http.Header) { h.Set(HeaderSignature, "v1a,"+h.Get(HeaderSignature)[3:40]) }), "{}", at, ErrSignature},
		"nothing":            {http.Header{}, "{}", at, ErrSignature},
		"no base64":          {signed(func(h http.Header) { h.Set(HeaderSignature, "v1,!") }), "{}", at, ErrSignature},
		"an empty signature": {signed(func(h http.Header) { h.Set(HeaderSignature, "v1,") }), "{}", at, ErrSignature},
	} {
		if err := Verify(c.h, []byte(c.body), c.now, s); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestASecretIsLongEnoughAndReadsBack(t *testing.T) {
	s := New()
	if again, err := Parse(s.Text()); err != nil || again.Text() != s.Text() || again.String() != "whsec_…" {
		t.Errorf("%v %v", again, err)
	}
	for _, bad := range []string{"", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		if _, err := Parse(bad); !errors.Is(err, ErrSecret) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
