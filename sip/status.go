package sip

import "firstline/call"

// statusOf is the final response that ends an unanswered incoming leg for c.
func statusOf(c call.Cause) (status int, reason string) { return 500, "Server Internal Error" }

// statusOfError is the response for an error of this package; 500 for others.
func statusOfError(err error) (status int, reason string) { return 500, "Server Internal Error" }
