package sim

import (
	"fmt"
	"math"
)

// Estimate is a mean over independent runs, and half the width of the interval in
// which the true mean lies with 99 % confidence (Student's t).
type Estimate struct {
	Mean, Half float64
	Runs       int
}

// Of estimates a mean from one value per run. With fewer than two runs nothing is
// known of its error, which is then infinite.
func Of(values []float64) Estimate {
	n := float64(len(values))
	e := Estimate{Half: math.Inf(1), Runs: len(values)}
	if n == 0 {
		e.Mean = math.NaN()
		return e
	}
	for _, v := range values {
		e.Mean += v / n
	}
	if n < 2 {
		return e
	}
	var square float64
	for _, v := range values {
		square += (v - e.Mean) * (v - e.Mean)
	}
	e.Half = student99(n-1) * math.Sqrt(square/(n-1)/n)
	return e
}

// Holds reports whether v lies within the interval.
func (e Estimate) Holds(v float64) bool { return math.Abs(v-e.Mean) <= e.Half }

func (e Estimate) String() string { return fmt.Sprintf("%.4g ± %.2g", e.Mean, e.Half) }

// student99 is the two-sided 99 % quantile of Student's t: exact for one and two
// degrees of freedom, else by the expansion in 1/ν (Abramowitz and Stegun 26.7.5),
// which is within 2 % from three on.
func student99(freedom float64) float64 {
	switch freedom {
	case 1:
		return 63.657
	case 2:
		return 9.925
	}
	const z = 2.5758293035489
	z3, z5, z7 := z*z*z, z*z*z*z*z, z*z*z*z*z*z*z
	return z + (z3+z)/(4*freedom) + (5*z5+16*z3+3*z)/(96*freedom*freedom) +
		(3*z7+19*z5+17*z3-15*z)/(384*freedom*freedom*freedom)
}
