package number_test

import (
	"testing"

	"pgregory.net/rapid"

	"firstline/intake/number"
)

func TestOneCallerHasOneFormWhicheverWayTheLineGivesTheNumber(t *testing.T) {
	for _, c := range []struct{ text, region, want string }{
		{"+49301234567", "DE", "+49301234567"},
		{"0049301234567", "DE", "+49301234567"},
		{"0301234567", "DE", "+49301234567"},
		{"030 / 123-45.67", "DE", "+49301234567"},
		{"+49 (30) 1234567", "", "+49301234567"},
		{"0049301234567", "", "+49301234567"},
		{"030123", "DE", "+4930123"},
		{"+4930123", "DE", "+4930123"},
		{"01701234567", "DE", "+491701234567"},
		{"0033142685300", "DE", "+33142685300"},
		{"0142685300", "FR", "+33142685300"},
		{"011493012345678", "US", "+493012345678"}, // the way abroad is each country's own
		{"2125550123", "US", "+12125550123"},
		{"12125550123", "US", "+12125550123"},
		{"0612345678", "IT", "+390612345678"}, // an Italian 0 stays
		{"0442685300", "CH", "+41442685300"},
	} {
		if got := number.Normal(c.text, c.region); got != c.want {
			t.Errorf("%q from %q: %q, want %q", c.text, c.region, got, c.want)
		}
	}
}

func TestWhatIsNoPublicNumberStaysAsItIs(t *testing.T) {
	for _, c := range []struct{ text, region string }{
		{"", "DE"},
		{"2001", ""},
		{"201", "DE"},
		{"alice", "DE"},
		{"ann.b-c", "DE"},
		{"*11", "DE"},
		{"+", "DE"},
		{"0301234567", ""},
		{"12345678901234567890123456789012345", "DE"},
		{"0", "DE"},
		{"00", ""},
		{"112", "DE"},
	} {
		if got := number.Normal(c.text, c.region); got != c.text {
			t.Errorf("%q from %q became %q", c.text, c.region, got)
		}
	}
}

func TestNormalFormIsItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.SampledFrom([]string{"", "DE", "US", "IT", "FR", "AT"}).Draw(t, "region")
		text := rapid.StringMatching(`[+0]{0,2}[0-9]{0,16}|[a-z .*-]{0,8}`).Draw(t, "text")
		once := number.Normal(text, region)
		if twice := number.Normal(once, region); twice != once {
			t.Fatalf("%q is %q, and that is %q", text, once, twice)
		}
	})
}

func TestEmergencyServicesAreKnownByTheirRegion(t *testing.T) {
	for _, c := range []struct {
		text, region string
		want         bool
	}{{"112", "DE", true}, {"110", "DE", true}, {"911", "US", true}, {"911", "DE", false}, {"112", "", false}, {"+49301234567", "DE", false}} {
		if got := number.Emergency(c.text, c.region); got != c.want {
			t.Errorf("%q in %q: %v", c.text, c.region, got)
		}
	}
}

func TestRegionsAreThoseThatHaveNumbers(t *testing.T) {
	if !number.Region("DE") || number.Region("de") || number.Region("") || number.Region("XX") {
		t.Error("DE is a region, and de, nothing and XX are none")
	}
}
