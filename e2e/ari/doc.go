// Package ari holds the front end of sip/ari to a real Asterisk, with real phones
// as far ends: to the contract of every switch, and to what it promises when either
// side goes away. The tests carry the tag e2e and start instances of their own
// through deploy/dev/asterisk.sh.
package ari
