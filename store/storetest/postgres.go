package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // to make databases
)

// Cluster is a throw-away PostgreSQL server.
type Cluster struct {
	script, dir string
	dsn         *url.URL
	databases   atomic.Int64
}

// StartPostgres starts a server through deploy/dev/postgres.sh. It goes when the
// test binary does, or with Remove.
func StartPostgres(ctx context.Context) (*Cluster, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		script: filepath.Join(root, "deploy", "dev", "postgres.sh"),
		dir:    fmt.Sprintf("/tmp/firstline-pg-%d-%x", os.Getpid(), rand.Uint32()), // a test may have one that it crashes
	}
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Start starts the server, again if need be, where it was.
func (c *Cluster) Start(ctx context.Context) error {
	out, err := c.run(ctx, "start", c.dir, fmt.Sprint(os.Getpid()))
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	c.dsn, err = url.Parse(lines[len(lines)-1])
	return err
}

// Crash stops the server as a power cut would.
func (c *Cluster) Crash(ctx context.Context) error {
	_, err := c.run(ctx, "stop", c.dir, "immediate")
	return err
}

// Remove stops the server and deletes its data.
func (c *Cluster) Remove(ctx context.Context) error {
	_, err := c.run(ctx, "remove", c.dir)
	return err
}

func (c *Cluster) run(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, c.script, args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("%s %s: %w: %s", c.script, args[0], err, exit.Stderr)
	}
	return string(out), err
}

// Database makes an empty database and returns its URL.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	admin, err := sql.Open("pgx", c.dsn.String())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	name := fmt.Sprintf("test%d", c.databases.Add(1))
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	u := *c.dsn
	u.Path = "/" + name
	return u.String()
}

// repository is the folder of go.mod, at or above the working directory.
func repository() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
