// Package media is the RTP half of the native front end: port pairs, the shared pacer, G.711 prompts and
// music, RFC 4733 digits, the relay between two legs, the mixer while others tap it, source locking, RTCP, and the
// stereo recorder.
//
// An [Engine] owns every goroutine: its shards read all sockets every 5 ms and pace what is sent. A [Stream]
// is one leg's RTP and RTCP socket pair for life: its SSRC, sequence numbers and timestamps stay continuous
// across prompt, music and bridge. The package promises that it sends nothing to a destination that fails
// [Engine.CheckRemote], that packets from a source other than the locked one are dropped and counted, that
// what is whispered to the agent is never heard by the caller nor recorded, and that neither the receive path
// nor the wheel allocates or touches the disk.
//
// All audio is 8 kHz mono G.711; one frame is 20 ms, 160 samples, 160 bytes.
package media
