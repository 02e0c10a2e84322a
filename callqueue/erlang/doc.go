// Package erlang is the queueing theory that forecasts are held against: Erlang B
// (no queue), Erlang C (a queue of endless patience), Erlang A (a queue whose
// callers give up), and how long somebody at a given place waits. It is
// arithmetic, and nothing but.
//
// All of them take arrivals and handling as memoryless (M/M/n), one group of
// equal agents, first come first served, and the steady state: a real day is none
// of that, which is what callqueue/sim is for.
package erlang
