// Package spoken keeps the prompts that somebody recorded by phone: what the callers of
// a known incident hear, or all who call while a calendar has an emergency prompt.
//
// A prompt is a file that is on the disk before the journal names it, and one event says
// both that it is there and that callers hear it. So a process that is killed leaves the
// prompt of before or the new one; what was being recorded then is swept by the next.
// What is on the disk is compared with its checksum whenever it is played.
package spoken
