// Package asterisk is the client of one Asterisk: the operations of ARI over HTTP,
// and its events over a WebSocket, both typed.
//
// It promises: every operation ends, within Config.Timeout, and its error says by
// errors.Is what the caller needs to know; [ErrAway] alone leaves open whether it
// was done. All ids are the caller's, so that such an operation can be repeated: to
// make what exists and to end what is gone are no errors. Events are handed over in
// the order in which Asterisk sent them, each once; when one had to be missed, the
// connection is given up and a new one reported ([Handler]), never less. When another
// program takes the application over, nothing more is done here ([ErrReplaced]).
// The password is in no error, no log line and no address.
//
// Asterisk keeps calls when nobody is connected, sends no events of that time, and
// closes a socket whose reader is slow. So the reader only queues; what was missed is
// for the caller to find out, in Handler.Connected.
package asterisk
