package store

import "firstline/callqueue/agents"

// Agent is a person of the roster with what was last seen of them.
type Agent = agents.Record
