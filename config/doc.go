// Package config reads what an operator writes: firstline.yaml, which says how
// this server is run (listeners, trunks, database), and a centre, the folder of
// files that says how the support line works (numbers, flows, queues, skills).
//
// Both are read strictly. An unknown key, a wrong type, a key that stands twice
// or a name that refers to nothing is a fault with file, line, column and, where
// one is near, a suggestion; all faults are returned at once as Faults, and then
// there is no configuration at all. Every scalar and list of firstline.yaml can be
// replaced by an environment variable named after its path: sip.max-calls by
// FIRSTLINE_SIP_MAX_CALLS. Secrets can stand in a file that FIRSTLINE_…_FILE names.
package config

import "firstline/ivr/source"

// Fault is one mistake in a file or in the environment.
type Fault = source.Fault

// Faults is the error of a configuration that is wrong: errors.As finds it.
type Faults = source.Faults
