package ari

import (
	"fmt"
	"strings"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// What we make at Asterisk is named after what it is for:
//
//	channel of an agent   <leg id>
//	bridge                <bridge id>, its name the application
//	playback              <channel>.p<n>
//	snoop of a recording  <recording id>.left, .right
//	live recording        <application>.<recording id>.left, .right
//	snoop of a tap        <channel of who taps>.tap
//	bridge of a tap       <channel of who taps>.tapped

const (
	callerSide = ".left"
	agentSide  = ".right"
	tapSuffix  = ".tap"
	tapBridge  = ".tapped"
)

// playbacksKept is how many ids playbacks of a leg take turns with: enough that a
// late event about one is not taken for another's, and few enough that a new
// process can stop whatever the last one left playing.
const playbacksKept = 4

func playbackName(channel string, n int) string {
	return fmt.Sprintf("%s.p%d", channel, n%playbacksKept)
}

func storedName(app string, id call.RecordingID, side string) string {
	return app + "." + string(id) + side
}

// recordingOf reads a snoop's id.
func recordingOf(snoop string) (id call.RecordingID, side string, ok bool) {
	for _, side := range []string{callerSide, agentSide} {
		if stem, ok := strings.CutSuffix(snoop, side); ok && isUUID(stem) {
			return call.RecordingID(stem), side, true
		}
	}
	return "", "", false
}

// storedOf reads a live or stored recording's name.
func storedOf(app, name string) (id call.RecordingID, side string, ok bool) {
	stem, ok := strings.CutPrefix(name, app+".")
	if !ok {
		return "", "", false
	}
	return recordingOf(stem)
}

// isOurLeg says whether a channel's id is one that Originate gave it: an offer's
// leg, or any other leg of one of our calls.
func isOurLeg(channel string) bool {
	return isUUID(string(call.LegID(channel).Call())) && strings.Contains(channel, ".") && !isSnoopName(channel)
}

// isTapLeg says whether a leg is a supervisor's (call.ID.TapLeg).
func isTapLeg(id call.LegID) bool {
	i := strings.LastIndexByte(string(id), '.')
	n, ok := strings.CutPrefix(string(id[i+1:]), "s")
	return ok && n != "" && only(n, digits)
}

func isSnoopName(channel string) bool {
	_, _, recording := recordingOf(channel)
	return recording || strings.HasSuffix(channel, tapSuffix)
}

func isOurBridge(b *asterisk.Bridge, app string) bool {
	return b.Name == app && isUUID(string(call.LegID(b.ID).Call()))
}

func isUUID(s string) bool {
	_, err := call.UUIDTime(s)
	return err == nil
}

// spied is the channel that a snoop listens to: "Snoop/<id>-0000002a".
func spied(snoop *asterisk.Channel) string {
	name, ok := strings.CutPrefix(snoop.Name, "Snoop/")
	i := strings.LastIndexByte(name, '-')
	if !ok || i < 0 {
		return ""
	}
	return name[:i]
}

// endpointOf is the endpoint that a channel belongs to: "carrier" of
// "PJSIP/carrier-0000002a"; empty for what no phone or trunk is behind.
func endpointOf(name string) string {
	tech, rest, ok := strings.Cut(name, "/")
	i := strings.LastIndexByte(rest, '-')
	if !ok || i < 0 || made(tech) {
		return ""
	}
	return rest[:i]
}

// made says whether channels of a technology are made by somebody's program, so
// that nobody hangs them up but a program.
func made(tech string) bool {
	switch tech {
	case "Snoop", "Local", "UnicastRTP", "MulticastRTP", "AudioSocket", "WebSocket", "Recorder", "Announcer", "Surrogate":
		return true
	}
	return false
}

func isMade(c *asterisk.Channel) bool {
	tech, _, _ := strings.Cut(c.Name, "/")
	return made(tech)
}

// inApp says whether a channel is in a Stasis application of that name now.
func inApp(c *asterisk.Channel, app string) bool {
	first, _, _ := strings.Cut(c.Dialplan.AppData, ",")
	return c.Dialplan.AppName == "Stasis" && first == app
}
