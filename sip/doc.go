// Package sip is the native front end: trunks, registered phones and their calls, spoken as RFC 3261 SIP and
// G.711 over RTP.
//
// sipgo parses, owns the sockets and runs the four transaction state machines; everything above is ours: the
// dialog table with early dialogs and forks, the ladder of retransmitted 2xx, ACK replay, CSeq and route sets,
// glare, hold by re-INVITE. Each [dialog] has one goroutine and one mailbox, so what happens on one call is in
// order although sipgo delivers every message on a goroutine of its own.
//
// The package promises: a message that is not understood gets the right 4xx or silence and affects no other
// call; every call has one end; nobody who is neither an allowed trunk nor an authenticated phone gets past
// 403; nothing above 100 is sent for an incoming call before its leg's first verb; when Run returns, no
// goroutine, port or timer of a call is left.
package sip
