// Package worktime is the arithmetic of people's time, computed from the journal: what
// each second of a signed-in person was spent on, and how that compares with the
// hours that were planned. The seconds of all states add up to the staffed seconds,
// always. It holds no state and reads no clock.
package worktime
