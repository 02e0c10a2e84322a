package limp_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"firstline/store/storetest"
)

// cluster is the PostgreSQL of this test binary.
var cluster *storetest.Cluster

func TestMain(m *testing.M) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var err error
	if cluster, err = storetest.StartPostgres(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := cluster.Remove(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// engines runs a test on both databases.
func engines(t *testing.T, f func(t *testing.T, p storetest.Place)) {
	t.Run("SQLite", func(t *testing.T) { f(t, storetest.SQLite(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { f(t, storetest.Postgres(cluster)(t)) })
}
