// Package asterisk holds the client of sip/ari/asterisk to a real Asterisk: to what
// that says of itself, and to what it does. The tests carry the tag e2e and start
// instances of their own through deploy/dev/asterisk.sh.
package asterisk
