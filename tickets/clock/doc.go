// Package clock says how long a ticket has taken against what its contract promises.
//
// Nothing is counted along the way: a reading is computed from the ticket's history,
// the contract's terms and the present instant, whenever somebody asks. So a priority
// or a calendar that is changed later holds from the start, pauses stay what they were,
// and a reading made twice is the same twice. The package does no I/O, keeps no state
// and looks at no clock of its own.
package clock
