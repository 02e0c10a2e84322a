// Package e2e holds firstline to its promises from outside: the built program as
// processes of their own, the network between them, and peers that this project
// did not write (sipp, baresip, PostgreSQL, Chromium).
//
// The tests carry build tags, so that they run in full or not at all: e2e (with
// -race, which the server is then built with too) and load (without). Nothing in
// them waits for time to pass where it can wait for a condition.
package e2e
