package call

// Outcome is the one named end of a queue entry or of a call. Every entry and
// every call has exactly one; outcomes add up to what was offered.
type Outcome string

// Outcomes of a queue entry. A call takes the outcome of its last entry.
const (
	OutcomeAnswered        Outcome = "answered"
	OutcomeAbandonedShort  Outcome = "abandoned-short" // left before the queue's short-abandon limit
	OutcomeAbandoned       Outcome = "abandoned"
	OutcomeTimeoutOverflow Outcome = "timeout-overflow" // longest wait passed
	OutcomeEmpty           Outcome = "empty"            // nobody can take it
	OutcomeExitKey         Outcome = "exit-key"
	OutcomeCallbackTaken   Outcome = "callback-taken"
	OutcomeVoicemail       Outcome = "voicemail"
	OutcomeDeflected       Outcome = "deflected-informed"
	OutcomeWithdrawn       Outcome = "withdrawn"
	OutcomeMoved           Outcome = "moved"
	OutcomeSystemFailed    Outcome = "system-failed"
)

// EntryOutcomes returns the outcomes of a queue entry; there are no others.
func EntryOutcomes() []Outcome {
	return []Outcome{
		OutcomeAnswered, OutcomeAbandonedShort, OutcomeAbandoned, OutcomeTimeoutOverflow, OutcomeEmpty, OutcomeExitKey,
		OutcomeCallbackTaken, OutcomeVoicemail, OutcomeDeflected, OutcomeWithdrawn, OutcomeMoved, OutcomeSystemFailed,
	}
}

// Outcomes of a call that was in no queue (and OutcomeSystemFailed).
const (
	OutcomeEndedInFlow Outcome = "ended-in-flow"
	OutcomeClosed      Outcome = "closed"
	OutcomeBlocked     Outcome = "blocked"
	OutcomeRoutedOut   Outcome = "routed-out"
	OutcomeNoCapacity  Outcome = "no-capacity"
	OutcomeNotReached  Outcome = "not-reached" // of calls that we placed, beside answered
)
