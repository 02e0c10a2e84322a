package media

// Bridge is a relay between two streams.
type Bridge struct{}

// Hold is for a leg that put the other on hold: its audio goes nowhere, and the other leg hears music (nil:
// silence) instead.
func (b *Bridge) Hold(leg *Stream, music *Audio) {}

// Unhold joins the two again.
func (b *Bridge) Unhold(leg *Stream) {}

// Close parts the legs; both streams stay open and send nothing until told. Calling it again does nothing.
func (b *Bridge) Close() {}
