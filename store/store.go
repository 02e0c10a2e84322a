// Package store keeps everything: the journal of events, the tables folded from
// it, phones and their registrations, sign-ins. It speaks one SQL to SQLite and
// to PostgreSQL.
//
// Every change of state is an event. One writer orders events and commits them
// in groups; calls, tickets, recordings, agents and lost callers are written in
// the same transaction, folded from those events. So when the database does not
// answer, only events need to be kept: they go to a spool on the local disk, and
// catching up is the same code as committing. Nothing that was acknowledged is
// lost, nothing is stored twice, and no reader sees an event before it is durable.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

var (
	// ErrNotFound means that there is no such thing. It also matches
	// tickets.ErrNotFound and recordings.ErrNotFound where one of those was asked for.
	ErrNotFound = errors.New("not found")
	// ErrAway means that the database does not answer; what was asked may work later.
	ErrAway = errors.New("the database does not answer")
	// ErrOwned means that another firstline owns the database or the data folder.
	ErrOwned = errors.New("owned by another firstline")
	// ErrClosed means that the journal takes nothing more.
	ErrClosed = errors.New("the journal is closed")
)

// Config says where things are kept.
type Config struct {
	// Database is "" for DataDir/firstline.db, a path for another SQLite file, or
	// a postgres:// URL.
	Database string
	// DataDir holds the spool and the sign of life; made when missing.
	DataDir string
	// Patience is how long the database may take before events go to the spool: 250 ms.
	Patience time.Duration

	// Standby makes Open wait while another firstline owns the database, which must
	// be PostgreSQL, and take over when that is gone. Without it Open fails with ErrOwned.
	Standby bool
	// Stale is how long an owner may give no sign of life, while the database is
	// there, before a standby takes over although its connection is still up: 10 s.
	Stale time.Duration
	// Lost is told once, when another process is found to own the database, and before
	// any event is refused because of that. It must not block.
	Lost func() `json:"-"`
	// Watched is told what a standby sees, from within Open, about twice a second.
	Watched func(Standing) `json:"-"`

	limits        limits                               // from Stale; tests hasten the others
	openSpoolFile func(path string) (spoolFile, error) // nil means a file; tests hand in a disk that is full
}

// Store is an open store. Its methods are safe for use by many goroutines.
type Store struct {
	db      *database
	lease   *lease
	lock    *os.File  // held for the life of the process
	alive   time.Time // of the process before this one
	journal *Journal
	commits *committer
	numbers *Numbers
	devices *Devices
	beat    *heartbeat
	log     *zap.Logger

	closing sync.Once
}

// Open connects, takes ownership, brings the tables up to date, and replays what
// an earlier process left in the spool. A standby waits for the ownership, until
// ctx ends. The error is one sentence fit for an operator. Run must run for events
// to be kept.
func Open(ctx context.Context, cfg Config, log *zap.Logger) (*Store, error) {
	if cfg.Patience == 0 {
		cfg.Patience = 250 * time.Millisecond
	}
	if cfg.openSpoolFile == nil {
		cfg.openSpoolFile = createSpoolFile
	}
	cfg.limits.stale = cmp.Or(cfg.limits.stale, cfg.Stale)
	cfg.limits = cfg.limits.defaults()
	s := &Store{log: log}
	if err := s.open(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, cfg Config) error {
	if cfg.DataDir == "" {
		return errors.New("no data folder is set")
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("data folder cannot be made: %w", err)
	}
	var folder string
	var err error
	if s.lock, folder, err = lockFolder(cfg.DataDir); err != nil {
		return err
	}
	if s.beat, err = openHeartbeat(filepath.Join(cfg.DataDir, "alive")); err != nil {
		return err
	}
	if s.db, err = reach(ctx, cfg.Database, cfg.DataDir); err != nil {
		return err
	}
	spool, err := openSpool(filepath.Join(cfg.DataDir, "spool"), cfg.openSpoolFile)
	if err != nil {
		return err
	}
	s.lease = newLease(s.db, folder, cfg.Lost, s.log)
	if err := s.lease.claim(ctx, cfg, func(ctx context.Context) error { return s.setAside(ctx, spool) }); err != nil {
		return err
	}
	s.alive = lastAlive(s.beat.before, s.lease)
	if s.commits, err = newCommitter(ctx, s.db, s.lease, s.log); err != nil {
		return err
	}
	if err := s.replay(ctx, spool); err != nil {
		return err
	}
	if s.journal, err = newJournal(ctx, s.db, s.commits, spool, cfg.Patience, s.log); err != nil {
		return err
	}
	if s.numbers, err = newNumbers(ctx, s.lease, s.log); err != nil {
		return err
	}
	s.devices, err = newDevices(ctx, s.db, s.lease, s.log)
	return err
}

// replay stores what the spool of an earlier process holds beyond what the
// database has, and empties the spool.
func (s *Store) replay(ctx context.Context, spool *spool) error {
	began := time.Now()
	replayed, skipped := 0, 0
	torn, err := spool.read(func(items []item) error {
		fresh := items[:0:0]
		for _, it := range items {
			if it.Global > s.commits.last {
				fresh = append(fresh, it)
			}
		}
		skipped += len(items) - len(fresh)
		replayed += len(fresh)
		if len(fresh) == 0 {
			return nil
		}
		return s.commits.storeAll(ctx, fresh)
	})
	if err != nil {
		return fmt.Errorf("replay the spool: %w", err)
	}
	if torn > 0 {
		s.log.Warn("the spool ended in the middle of an event, which nobody had been told was kept", zap.Int64("bytes", torn))
	}
	if replayed+skipped > 0 {
		s.log.Info("spool replayed", zap.Int("events", replayed), zap.Int("already_stored", skipped), zap.Duration("took", time.Since(began)))
	}
	return spool.clear()
}

// Journal is the store's journal.
func (s *Store) Journal() *Journal { return s.journal }

// Numbers gives out ticket numbers.
func (s *Store) Numbers() *Numbers { return s.numbers }

// Devices are the phones' credentials and registrations.
func (s *Store) Devices() *Devices { return s.devices }

// LastAlive is the last sign of life of the owner before this one, zero when there
// was none. It is at most half a second older than that process's end; at most a
// second, and as old as an outage of the database, when that ran on another folder.
func (s *Store) LastAlive() time.Time { return s.alive }

// lastAlive is what the folder says, or what another folder's process said last in
// the database when that is later.
func lastAlive(here time.Time, l *lease) time.Time {
	there := instant(l.former.beat)
	if l.former.folder == "" || l.former.folder == l.folder || there.Before(here) {
		return here
	}
	return there
}

// Run orders and commits events until ctx ends, and then what was handed over
// before. Whoever writes events must have stopped by then. It returns ErrOwned
// when another process took the database over.
func (s *Store) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	behind, end := context.WithCancel(context.WithoutCancel(ctx)) // outlives ctx until the writer is done
	var wg sync.WaitGroup
	wg.Go(func() { s.beat.run(behind) })
	wg.Go(func() { s.numbers.run(behind) })
	wg.Go(func() { s.devices.run(behind) })
	wg.Go(func() { s.lease.run(behind) })
	wg.Go(func() {
		select {
		case <-s.lease.lost: // by whoever wrote next
			stop(s.lease.gone())
		case <-behind.Done():
		}
	})
	wg.Go(func() {
		if err := s.commits.run(behind); err != nil {
			stop(err)
		}
	})
	err := s.journal.run(ctx, behind)
	end()
	wg.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, ErrOwned) {
		return cause
	}
	return err
}

// Close gives everything back. Run must have returned.
func (s *Store) Close() error {
	var faults []error
	s.closing.Do(func() {
		if s.journal != nil {
			faults = append(faults, s.journal.spool.close())
		}
		if s.numbers != nil {
			s.numbers.giveBack()
		}
		if s.commits != nil {
			s.commits.close()
		}
		if s.lease != nil {
			s.lease.release(s.commits == nil || s.commits.backlog.empty())
		}
		if s.db != nil {
			faults = append(faults, s.db.close())
		}
		if s.beat != nil {
			faults = append(faults, s.beat.file.Close())
		}
		if s.lock != nil {
			faults = append(faults, s.lock.Close())
		}
	})
	return errors.Join(faults...)
}

var _ call.Journal = (*Journal)(nil)
