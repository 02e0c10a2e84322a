// Package web is the HTTP edge: the API under /api/v1, the live stream, sign-in,
// metrics and health, and the pages of web/ui.
//
// It reads the journal and asks small interfaces that are declared here for the
// rest; cmd wires them. Nothing in the flow of a call waits for this package: the
// board, the live stream and the metrics are readers of events and can be rebuilt
// from the journal at any time.
package web
