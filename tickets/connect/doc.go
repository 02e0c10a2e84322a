// Package connect tells others of tickets: webhooks, the company's own ticket system,
// callers and customers.
//
// An endpoint is a reader of the journal. What its messages are follows from the events
// alone, so their ids do too: a message has the same id on every try and after every
// crash. Its cursor and its deliveries are kept in one transaction, and each is tried
// until it was taken or has become a dead letter, which a person may send again.
// Messages of one ticket go one after the other, those of others beside them. A ticket
// is told of once it is classified or attached to an incident: before that, nobody
// knows whether it is one problem or the two hundredth call about the same.
//
// The delivery waits for nobody and nobody waits for it: an endpoint that is slow or
// gone leaves its cursor where it is, and calls go on.
package connect
