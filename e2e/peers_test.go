//go:build e2e

package e2e

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"firstline/sip/media"
)

// What the peers play, in Hz: neither is in a prompt, the music or a tool's tone.
const (
	callerTone = 700
	agentTone  = 1100
)

// freePorts is the first of four free UDP ports: sipp binds audio, video and the
// RTCP of both. They lie below the range from which the kernel and the server take
// theirs, so that nobody takes one before the peer does.
func freePorts(t *testing.T) int {
	t.Helper()
	for range 1000 {
		first := 10000 + 4*rand.IntN(2400)
		if allFree(first, 4) {
			return first
		}
	}
	t.Fatal("no four free ports")
	return 0
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		defer c.Close()
	}
	return true
}

// sippCaller is a sipp that phones in.
type sippCaller struct {
	*process
	number, callID string
	port           int
}

// phoneIn phones the office itself.
func (s *office) phoneIn(number, called, digits string) *sippCaller {
	s.t.Helper()
	return s.phoneInAt(s.creds.SIP, number, called, digits)
}

// phoneInAt starts sipp: it keys digits a second after the answer, and plays its
// tone for two minutes, or until either side hangs up.
func (s *office) phoneInAt(at, number, called, digits string) *sippCaller {
	s.t.Helper()
	dir := s.t.TempDir()
	scenario, err := os.ReadFile(filepath.Join("testdata", "caller.xml"))
	must(s.t, err)
	pcap := filepath.Join(dir, "caller.pcap")
	must(s.t, os.WriteFile(pcap, toneWithDigits(callerTone, digits, 2*time.Minute), 0o600))
	file := filepath.Join(dir, "caller.xml")
	must(s.t, os.WriteFile(file, []byte(strings.ReplaceAll(string(scenario), "{{PCAP}}", pcap)), 0o600))
	c := &sippCaller{number: number, callID: "e2e-" + number, port: freePorts(s.t)}
	cmd := exec.Command(need(s.t, "sipp"), at, "-sf", file, "-i", "127.0.0.1", "-mi", "127.0.0.1",
		"-p", strconv.Itoa(c.port), "-mp", strconv.Itoa(freePorts(s.t)), "-m", "1", "-cid_str", c.callID,
		"-key", "number", number, "-key", "called", called,
		"-nostdin", "-timeout", "180s", "-trace_err", "-error_file", filepath.Join(dir, "errors.log"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TERM=dumb")
	c.process = start(s.t, "sipp "+number, cmd)
	s.t.Cleanup(func() {
		if b, err := os.ReadFile(filepath.Join(dir, "errors.log")); err == nil && s.t.Failed() {
			s.t.Logf("sipp %s noted:\n%s", number, tail(string(b), 4000))
		}
	})
	return c
}

// hangup tells the scenario to hang up.
func (c *sippCaller) hangup() {
	c.t.Helper()
	conn, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", c.port))
	must(c.t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "INFO sip:%s@127.0.0.1:%d SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKtest\r\n"+
		"From: <sip:test@127.0.0.1>;tag=t\r\nTo: <sip:%s@127.0.0.1>\r\nCall-ID: %s\r\nCSeq: 9 INFO\r\nContent-Length: 0\r\n\r\n",
		c.number, c.port, conn.LocalAddr(), c.number, c.callID)
	must(c.t, err)
}

// went fails the test unless every message of the scenario was exchanged.
func (c *sippCaller) went() {
	c.t.Helper()
	if code := c.exit(); code != 0 {
		c.t.Errorf("sipp %s: exit code %d", c.number, code)
	}
}

// toneWithDigits is a pcap of one RTP stream: a tone in PCMU, 20 ms a packet, in
// which each digit takes the place of 100 ms of it as a telephone-event of payload
// type 101 (RFC 4733 section 2.5). Half a second lies between digits.
func toneWithDigits(hz float64, digits string, length time.Duration) []byte {
	const step = 160 // samples in a packet
	tone := media.Tone(time.Second, hz).Samples()
	law := media.EncodePCMU(nil, tone)
	p := &pcap{}
	p.header()
	var seq uint16
	next := 50 // packet at which the next digit begins: after a second
	for i := 0; i < int(length/(20*time.Millisecond)); {
		ts := uint32(i * step)
		if digits != "" && i == next {
			code := strings.IndexByte("0123456789*#ABCD", digits[0])
			for k := 1; k <= 5; k++ {
				p.event(i+k-1, &seq, ts, byte(code), uint16(k*step), k == 1, k == 5)
			}
			p.event(i+4, &seq, ts, byte(code), 5*step, false, true) // the end is sent three times
			p.event(i+4, &seq, ts, byte(code), 5*step, false, true)
			digits, i, next = digits[1:], i+5, i+30
			continue
		}
		at := i % 50 * step
		p.packet(i, &seq, ts, 0, false, law[at:at+step])
		i++
	}
	return p.b
}

type pcap struct{ b []byte }

func (p *pcap) header() {
	p.b = binary.LittleEndian.AppendUint32(p.b, 0xa1b2c3d4)
	p.b = binary.LittleEndian.AppendUint16(p.b, 2)
	p.b = binary.LittleEndian.AppendUint16(p.b, 4)
	p.b = append(p.b, make([]byte, 8)...)
	p.b = binary.LittleEndian.AppendUint32(p.b, 65535)
	p.b = binary.LittleEndian.AppendUint32(p.b, 1) // Ethernet
}

func (p *pcap) event(slot int, seq *uint16, ts uint32, code byte, held uint16, first, end bool) {
	flags := byte(10) // volume
	if end {
		flags |= 0x80
	}
	p.packet(slot, seq, ts, 101, first, []byte{code, flags, byte(held >> 8), byte(held)})
}

// packet appends Ethernet, IP, UDP and RTP headers and the payload.
func (p *pcap) packet(slot int, seq *uint16, ts uint32, pt byte, marker bool, payload []byte) {
	at := time.Duration(slot) * 20 * time.Millisecond
	length := 14 + 20 + 8 + 12 + len(payload)
	p.b = binary.LittleEndian.AppendUint32(p.b, uint32(at/time.Second))
	p.b = binary.LittleEndian.AppendUint32(p.b, uint32(at%time.Second/time.Microsecond))
	p.b = binary.LittleEndian.AppendUint32(p.b, uint32(length))
	p.b = binary.LittleEndian.AppendUint32(p.b, uint32(length))
	p.b = append(p.b, make([]byte, 12)...)
	p.b = append(p.b, 0x08, 0x00)
	p.b = append(p.b, 0x45, 0)
	p.b = binary.BigEndian.AppendUint16(p.b, uint16(length-14))
	p.b = append(p.b, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
	p.b = binary.BigEndian.AppendUint16(p.b, 4000)
	p.b = binary.BigEndian.AppendUint16(p.b, 4000)
	p.b = binary.BigEndian.AppendUint16(p.b, uint16(length-34))
	p.b = append(p.b, 0, 0)
	if marker {
		pt |= 0x80
	}
	p.b = append(p.b, 0x80, pt)
	p.b = binary.BigEndian.AppendUint16(p.b, *seq)
	*seq++
	p.b = binary.BigEndian.AppendUint32(p.b, ts)
	p.b = binary.BigEndian.AppendUint32(p.b, 0x1badcafe)
	p.b = append(p.b, payload...)
}

// baresip is a registered softphone that a test drives over its control port.
type baresip struct {
	*process
	dir  string
	conn net.Conn

	mu     sync.Mutex // guards events
	events []string
}

// softphone starts baresip as a device of the office itself.
func (s *office) softphone(user, mode string) *baresip {
	s.t.Helper()
	return s.softphoneAt(account{user, s.creds.SIP, s.creds.Devices[user]}, user, mode)
}

// account is a phone's at a registrar.
type account struct{ user, registrar, password string }

// softphoneAt starts baresip as an agent's phone and waits until it is registered.
// mode is auto (it answers by itself) or manual.
func (s *office) softphoneAt(at account, agent, mode string) *baresip {
	s.t.Helper()
	dir := s.t.TempDir()
	b := &baresip{dir: dir}
	tone := filepath.Join(dir, "tone.wav")
	f, err := os.Create(tone)
	must(s.t, err)
	must(s.t, media.EncodeWAV(f, media.Tone(3*time.Minute, agentTone).Samples()))
	must(s.t, f.Close())
	control := freePorts(s.t) // of TCP in truth; who takes it is seen when nobody answers there
	config := fmt.Sprintf(`sip_listen 127.0.0.1:%d
net_interface 127.0.0.1
audio_source aufile,%s
audio_player aufile,%s
snd_path %s
audio_srate 8000-8000
audio_channels 1-1
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:%d
module_app account.so
module_app menu.so
`, freePorts(s.t), tone, filepath.Join(dir, "played.wav"), dir, control)
	must(s.t, os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600))
	line := fmt.Sprintf("<sip:%s@%s>;auth_user=%s;auth_pass=%s;answermode=%s;regint=60;audio_codecs=PCMU/8000/1\n",
		at.user, at.registrar, at.user, at.password, mode)
	must(s.t, os.WriteFile(filepath.Join(dir, "accounts"), []byte(line), 0o600))
	cmd := exec.Command(need(s.t, "baresip"), "-f", dir)
	cmd.Dir = dir
	b.process = start(s.t, "baresip "+at.user, cmd)
	eventually(s.t, "baresip "+at.user+" is registered", func() bool { // a caller may be waiting for it already
		state := s.api.agents()[agent].State
		return state != "unreachable" && state != "offline"
	})
	b.control(fmt.Sprintf("127.0.0.1:%d", control))
	return b
}

// control connects to ctrl_tcp, and keeps the events that it tells.
func (b *baresip) control(addr string) {
	b.t.Helper()
	eventually(b.t, "baresip's control port answers", func() bool {
		var err error
		b.conn, err = net.Dial("tcp", addr)
		return err == nil
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		for r := bufio.NewReader(b.conn); ; {
			text, err := netstring(r)
			if err != nil {
				return
			}
			var e struct {
				Event bool   `json:"event"`
				Type  string `json:"type"`
			}
			if json.Unmarshal(text, &e) == nil && e.Event {
				b.mu.Lock()
				b.events = append(b.events, e.Type)
				b.mu.Unlock()
			}
		}
	})
	b.t.Cleanup(func() { b.conn.Close(); wg.Wait() })
}

func netstring(r *bufio.Reader) ([]byte, error) {
	head, err := r.ReadString(':')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(head, ":"))
	if err != nil {
		return nil, err
	}
	text := make([]byte, n+1) // and the comma
	_, err = io.ReadFull(r, text)
	return text[:n], err
}

// do sends a command of the menu: accept, hold, resume, hangup.
func (b *baresip) do(command string) { b.t.Helper(); b.order(command, "") }

// order sends a command with what it is about: transfer, and where to.
func (b *baresip) order(command, about string) {
	b.t.Helper()
	text := fmt.Sprintf(`{"command":%q,"params":%q}`, command, about)
	_, err := fmt.Fprintf(b.conn, "%d:%s,", len(text), text)
	must(b.t, err)
}

// saw waits for the nth event of a type, counted from 1.
func (b *baresip) saw(event string, n int) {
	b.t.Helper()
	eventually(b.t, fmt.Sprintf("baresip says %s for the %d. time", event, n), func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		seen := 0
		for _, e := range b.events {
			if e == event {
				seen++
			}
		}
		return seen >= n
	})
}

// vanish is a phone whose plug was pulled: it says no goodbye.
func (b *baresip) vanish() {
	b.t.Helper()
	must(b.t, b.cmd.Process.Signal(syscall.SIGKILL))
	<-b.done
}

// heard is what the phone's ear was given, once it has ended. baresip 1.0 dumps the
// decoded side into a file until the first re-INVITE, and no longer.
func (b *baresip) heard() []int16 {
	b.t.Helper()
	b.stop(syscall.SIGTERM)
	files, err := filepath.Glob(filepath.Join(b.dir, "dump-*-dec.wav"))
	must(b.t, err)
	var all []int16
	for _, name := range files {
		f, err := os.Open(name)
		must(b.t, err)
		sides, err := media.ReadWAV(f)
		f.Close()
		must(b.t, err)
		all = append(all, sides[0]...)
	}
	return all
}
