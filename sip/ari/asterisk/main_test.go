package asterisk

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain checks that no rule leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
