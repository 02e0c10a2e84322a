// Package roster owns who works here and where they sit. An agent is a person, a
// device is a phone: signing in joins them, at any desk phone with a PIN, or at a
// number that a trunk may dial. A person sits at one phone at most, and a phone
// has one person at most. Every change is in the journal before the queue acts on
// it, and the queue's roster is always this one. PINs are kept as argon2id hashes;
// no event, log line or answer holds one.
package roster
