// Package limp makes tickets of calls that went past firstline. While firstline is
// away, Asterisk's dialplan puts callers into a plain queue and then to voicemail
// (deploy/asterisk); its queue_log tells afterwards what became of them.
//
// Each call that entered such a queue becomes one call record with one ticket, at
// the times of the log, in the stage "fallback". Whoever left without an agent is
// put on the lost callers' list. To read lines twice makes nothing twice: a call's
// id follows from the channel's unique id. A call is written when it is over.
package limp
