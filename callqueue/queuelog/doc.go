// Package queuelog writes the journal as Asterisk's queue_log, byte for byte, so
// that boards and reports made for it (QueueMetrics, Asternic, FOP2) read ours. It
// also reads Asterisk's own: Parse one line, Tail a file that grows and is rotated.
//
// The format is that of ast_queue_log in main/logger.c and of its callers in
// apps/app_queue.c, Asterisk 22: seconds|call|queue|agent|event|data…, whole
// seconds, hold and talk as differences of whole seconds. What happens here and
// has no event there:
//
//	callback-taken                 EXITWITHKEY with the key, or an empty one
//	voicemail                      EXITWITHTIMEOUT
//	withdrawn, moved,
//	deflected-informed,
//	system-failed                  WITHDRAW with the outcome as its info
//	log-in, log-out                ADDMEMBER, REMOVEMEMBER in each queue whose need the agent meets
//	break                          PAUSEALL, and PAUSE in each of those queues
//
// Holds are not told: app_queue does not either. Talk is counted from when the two
// hear each other, which a notice may put some seconds behind CONNECT. Test calls
// are left out.
package queuelog
