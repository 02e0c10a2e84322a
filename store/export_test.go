package store

import "time"

// Hasten shortens how long an owner may be silent.
func (c *Config) Hasten(cut, stale, settle time.Duration) {
	c.limits = limits{cut: cut, stale: stale, settle: settle}
}
