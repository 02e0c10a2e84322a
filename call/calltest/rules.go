package calltest

import (
	"testing"

	"firstline/call"
)

// Rule is one thing that a switch owes to the journey.
type Rule struct {
	Name  string
	About string  // the rules beside it are about the same
	Needs Ability // a switch without it owes no more than to say so; empty: all owe it
	check func(*testing.T, Exchange)
}

// Ability is one that a switch may lack, as call.Caps declares it.
type Ability string

// The abilities of call.Caps.
const (
	Record       Ability = "record both sides of a talk"
	RecordGrows  Ability = "play a recording while it grows"
	Message      Ability = "record a caller's message"
	Tap          Ability = "let a supervisor listen, whisper and barge in"
	Adopt        Ability = "keep calls over a restart of firstline"
	EarlyMedia   Ability = "play prompts before the answer"
	DTMFStart    Ability = "tell a digit when its key goes down"
	ReferByPhone Ability = "take the transfer key of a phone"
	Transfer     Ability = "ask the far end to go elsewhere itself (REFER)"
	Continue     Ability = "hand a call back to a dialplan"
)

// abilities are all there are, in the order of the table, and whether c has them.
func abilities(c call.Caps) []struct {
	Ability
	has bool
} {
	return []struct {
		Ability
		has bool
	}{
		{Record, c.Record},
		{RecordGrows, c.RecordGrows},
		{Message, c.Message},
		{Tap, c.Tap},
		{Adopt, c.Adopt},
		{ReferByPhone, c.ReferByPhone},
		{Transfer, c.Transfer},
		{Continue, c.Continue},
		{DTMFStart, c.DTMFStart},
		{EarlyMedia, c.EarlyMedia},
	}
}

// Rules is the contract, rule by rule.
func Rules() []Rule {
	const in, menu, phone, talk, boss, restart = "a call that comes in", "prompts and digits", "an agent's phone", "a talk", "a supervisor", "a restart of firstline"
	return []Rule{
		{"a caller who is refused hears why", in, "", refused},
		{"hanging up before the answer ends the leg as cancelled", in, "", cancelledEarly},
		{"answering twice does nothing", in, "", answeredTwice},
		{"hanging up twice does nothing", in, "", hungUpTwice},
		{"a prompt may come before the answer", in, EarlyMedia, playsEarly},
		{"a call goes on in the dialplan", in, Continue, goesOnInDialplan},
		{"a caller is sent elsewhere", in, Transfer, sentElsewhere},

		{"play returns when the media is over", menu, "", playsToTheEnd},
		{"a hang-up ends play with its cause", menu, "", playCutShort},
		{"unknown media is an error and the leg lives", menu, "", unknownMedia},
		{"digits keyed during a prompt count for the next collect", menu, "", typeAhead},
		{"a digit stops the prompts of collect", menu, "", bargeIn},
		{"collect ends by terminator", menu, "", terminated},
		{"collect ends by time", menu, "", timedOut},

		{"a phone rings and answers", phone, "", ringsAndAnswers},
		{"a busy phone ends the leg as busy", phone, "", busyPhone},
		{"nobody answers within the ring time", phone, "", noAnswer},
		{"an unknown device is unreachable at once", phone, "", unknownDevice},
		{"a withdrawn offer stops ringing", phone, "", withdrawn},

		{"bridged legs hear each other until one leaves", talk, "", bridged},
		{"a bridge asked for twice is one", talk, "", bridgedTwice},
		{"hold plays music to the other side and is reported", talk, "", held},
		{"a recording pauses, resumes and stops once", talk, Record, recorded},
		{"a leg is recorded by itself", talk, Message, message},
		{"an agent's leg goes to somebody else and comes back, while the caller hears music", talk, "", goesAside},
		{"a caller goes on with another leg when the agent's is gone", talk, "", goesOnElsewhere},
		{"a recording outlives a bridge that is closed and made again", talk, Record, recordedApart},

		{"a tap that listens hears both and is heard by none", boss, Tap, tapListens},
		{"a tap that whispers is heard by the agent alone", boss, Tap, tapWhispers},
		{"a tap that barges is heard by both", boss, Tap, tapBarges},
		{"a tap changes its mode", boss, Tap, tapChanges},
		{"a second tap hears both as well", boss, Tap, tappedTwice},
		{"a tap that hangs up leaves the two talking", boss, Tap, tapLeaves},
		{"a tap stays on over a hold", boss, Tap, tapHeld},
		{"a bridge that is closed leaves its tap up and silent", boss, Tap, tapOutlives},
		{"a leg of the bridge is no tap of it", boss, Tap, tapRefused},

		{"an adopted leg is the one that was", restart, Adopt, adoptedLeg},
		{"an adopted conversation goes on", restart, Adopt, adoptedTalk},
		{"an adopted offer can be withdrawn", restart, Adopt, adoptedOffer},
	}
}
