package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Draw takes one duration from a distribution.
type Draw func(*rand.Rand) time.Duration

// Fixed is always d.
func Fixed(d time.Duration) Draw { return func(*rand.Rand) time.Duration { return d } }

// Exponential is memoryless, with the given mean.
func Exponential(mean time.Duration) Draw {
	return func(r *rand.Rand) time.Duration { return scale(mean, r.ExpFloat64()) }
}

// Lognormal has the given mean and coefficient of variation (deviation by mean),
// which is what talks look like: few very short, some very long.
func Lognormal(mean time.Duration, cv float64) Draw {
	variance := math.Log1p(cv * cv)
	return func(r *rand.Rand) time.Duration {
		return scale(mean, math.Exp(math.Sqrt(variance)*r.NormFloat64()-variance/2))
	}
}

// Sample takes one of the durations that were seen, each as likely as the next.
// There must be one.
func Sample(seen []time.Duration) Draw {
	seen = slices.Clone(seen)
	return func(r *rand.Rand) time.Duration { return seen[r.IntN(len(seen))] }
}

// scale keeps draws above zero, which elsewhere means "not said".
func scale(mean time.Duration, by float64) time.Duration {
	return max(time.Duration(float64(mean)*by), time.Microsecond)
}

// Streams of randomness that do not disturb each other: more callers do not make
// the first ones talk longer.
const (
	streamArrivals = iota + 1
	streamCalls
	streamReplay
)

func source(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
