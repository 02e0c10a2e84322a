package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// What a former owner spooled while the database was away, and another process
// has become the owner since: the other has given out the same numbers and gone
// on with the same calls. None of it can be replayed over that, and none of it is
// thrown away: it was acknowledged. What the database does not have goes into a
// folder below DataDir/aside, in the form of the spool, for people to read.

// errAside means that the local disk does not let a spool be set aside.
var errAside = errors.New("the spool of a former ownership cannot be set aside")

// setAside empties a spool of which another owner has begun an epoch since.
func (s *Store) setAside(ctx context.Context, old *spool) error {
	if len(old.used) == 0 {
		return nil
	}
	var groups [][]item
	events := 0
	var asked error // the database's error, which may pass
	_, err := old.read(func(items []item) error {
		missing, err := s.db.missing(ctx, items)
		if err != nil {
			asked = fmt.Errorf("compare the spool with the journal: %w", err)
			return asked
		}
		if len(missing) > 0 {
			groups, events = append(groups, missing), events+len(missing)
		}
		return nil
	})
	switch {
	case asked != nil:
		return asked
	case err != nil:
		return fmt.Errorf("%w: %w", errAside, err)
	case events == 0:
		s.log.Info("the spool of a former ownership holds nothing that the database does not have")
	default:
		dir, err := keepAside(filepath.Dir(old.dir), groups)
		if err != nil {
			return fmt.Errorf("%w: %w", errAside, err)
		}
		s.log.Error("another firstline has owned the database since these events were spooled: they are set aside; read them with: firstline spool "+dir,
			zap.Int("events", events), zap.Time("first", groups[0][0].At), zap.String("folder", dir))
	}
	if err := old.clear(); err != nil {
		return fmt.Errorf("%w: %w", errAside, err)
	}
	return nil
}

// keepAside writes groups into a folder of their own and returns its name.
func keepAside(dataDir string, groups [][]item) (string, error) {
	dir := filepath.Join(dataDir, "aside", time.Now().UTC().Format("20060102T150405.000000Z"))
	aside, err := openSpool(dir, createSpoolFile)
	if err != nil {
		return "", err
	}
	for _, g := range groups {
		if err := aside.append(g); err != nil {
			return "", errors.Join(err, aside.close())
		}
	}
	return dir, errors.Join(aside.close(), syncFolder(filepath.Dir(dir)), syncFolder(dataDir))
}

// missing are the items that the journal does not have: under their numbers there
// is nothing, or what somebody else wrote.
func (d *database) missing(ctx context.Context, items []item) ([]item, error) {
	have := make(map[int64]call.Event, len(items))
	last := items[len(items)-1].Global
	for after := items[0].Global - 1; after < last; {
		evs, err := d.events(ctx, eventsBetween, after, last, pageLength)
		if err != nil {
			return nil, err
		}
		for _, e := range evs {
			have[e.Global] = e
		}
		if len(evs) < pageLength {
			break
		}
		after = evs[len(evs)-1].Global
	}
	return slices.DeleteFunc(slices.Clone(items), func(it item) bool {
		e, ok := have[it.Global]
		return ok && e.Stream == it.Stream && e.Seq == it.Seq && e.At.Equal(it.At) && e.Body.Type() == it.Body.Type()
	}), nil
}

// ReadSpool hands each the groups of events in a spool's folder, or in one file of
// it, oldest first, and returns how many bytes at the end were no whole group. The
// folder is left as it is.
func ReadSpool(path string, each func([]call.Event) error) (torn int64, err error) {
	s := &spool{dir: path}
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	s.used = []string{path}
	if info.IsDir() {
		if s.used, err = spoolFiles(path); err != nil {
			return 0, err
		}
	}
	return s.read(func(items []item) error {
		evs := make([]call.Event, len(items))
		for i, it := range items {
			evs[i] = it.Event
		}
		return each(evs)
	})
}

// spoolFiles are the files of a spool's folder, the oldest first.
func spoolFiles(dir string) ([]string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return nil, fmt.Errorf("spool folder: %w", err)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(firstOf(a), firstOf(b)) })
	return names, nil
}

func firstOf(name string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(filepath.Base(name), ".log"), 10, 64) // a foreign name comes first, and is found out by its content
	return n
}
