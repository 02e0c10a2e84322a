package erlang

import (
	"math"
	"time"
)

// Position is the wait of somebody who does not give up, behind Ahead callers who
// may, for any of Servers agents who are all busy.
type Position struct {
	Ahead    int
	Servers  int
	Handling time.Duration // mean, wrap-up included
	Patience time.Duration // mean of those ahead; 0 means endless
}

// Mean is the expected wait: the sum over i = 0..Ahead of 1/(Servers·µ + i·θ).
func (p Position) Mean() time.Duration {
	mu, theta := p.rates()
	var sum float64
	for i := 0; i <= p.Ahead; i++ {
		sum += 1 / (mu + float64(i)*theta)
	}
	return seconds(sum)
}

// Below is the probability that the wait is at most t.
func (p Position) Below(t time.Duration) float64 {
	if t <= 0 {
		return 0
	}
	mu, theta := p.rates()
	if theta == 0 {
		return gamma(p.Ahead+1, mu*t.Seconds())
	}
	// The wait is the last of Ahead+1 steps at rates θ(c+Ahead), …, θc: then
	// exp(-θ·wait) is beta distributed with c and Ahead+1.
	return beta(float64(p.Ahead)+1, mu/theta, -math.Expm1(-theta*t.Seconds()))
}

// Quantile is the wait that is not exceeded with probability q, between 0 and 1.
func (p Position) Quantile(q float64) time.Duration {
	lo, hi := time.Duration(0), p.Mean()+time.Second
	for p.Below(hi) < q && hi < 1<<55 {
		lo, hi = hi, 2*hi
	}
	for hi-lo > time.Millisecond {
		mid := lo + (hi-lo)/2
		if p.Below(mid) < q {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// rates are that of all servers together and that of one caller's giving up, per second.
func (p Position) rates() (mu, theta float64) {
	mu = float64(max(p.Servers, 1)) / p.Handling.Seconds()
	if p.Patience > 0 {
		theta = 1 / p.Patience.Seconds()
	}
	return mu, theta
}

// gamma is the distribution of the sum of k exponential steps of rate one, at x.
func gamma(k int, x float64) float64 {
	lg, _ := math.Lgamma(float64(k))
	term := math.Exp(float64(k-1)*math.Log(x) - x - lg) // e^-x x^(k-1)/(k-1)!
	if x > float64(k) {                                 // the sum over i < k from its greatest term down
		sum := 0.0
		for i := k - 1; i >= 0 && term > 0; i-- {
			sum += term
			term *= float64(i) / x
		}
		return max(0, 1-sum)
	}
	sum := 0.0
	for i := k; term > 1e-17*sum || i == k; i++ {
		term *= x / float64(i)
		sum += term
	}
	return min(1, sum)
}

// beta is the regularised incomplete beta function I_x(a, b), by its continued
// fraction (DLMF 8.17.22) with Lentz's method.
func beta(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // converges fast on the other side
		return 1 - beta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 10_000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/away(1+even*d), away(1+even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/away(1+odd*d), away(1+odd/c)
		f *= d * c
		if math.Abs(d*c-1) < 1e-14 {
			break
		}
	}
	return front * f
}
