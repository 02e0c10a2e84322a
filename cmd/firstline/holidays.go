package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"firstline/config"
	"firstline/ivr/hours"
)

// How holidays are fetched.
const (
	holidaysEvery = 12 * time.Hour
	holidaysWait  = 20 * time.Second // for one calendar
)

// kept is a centre's folder in which the calendars of holidays that were fetched
// lie as well: the last good copy of each, in a folder of the data. What the centre
// itself has goes first. So a version of a centre has its holidays in it.
type kept struct {
	fs.FS
	dir string
}

func (k kept) Open(name string) (fs.File, error) {
	f, err := k.FS.Open(name)
	if !errors.Is(err, fs.ErrNotExist) || path.Dir(name) != path.Dir(config.HolidaysFile("x")) {
		return f, err
	}
	return os.Open(filepath.Join(k.dir, path.Base(name)))
}

// ReadDir lists both.
func (k kept) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(k.FS, name)
	holidays := path.Dir(config.HolidaysFile("x"))
	if name == "." && err == nil {
		return k.withFolder(entries, holidays)
	}
	if name != holidays || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return entries, err
	}
	more, err := os.ReadDir(k.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	there := make(map[string]bool, len(entries))
	for _, e := range entries {
		there[e.Name()] = true
	}
	for _, e := range more {
		if !there[e.Name()] {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// withFolder adds the folder of holidays to a listing that lacks it.
func (k kept) withFolder(entries []fs.DirEntry, name string) ([]fs.DirEntry, error) {
	for _, e := range entries {
		if e.Name() == name {
			return entries, nil
		}
	}
	info, err := os.Stat(k.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return entries, nil
	}
	if err != nil {
		return nil, err
	}
	return append(entries, fs.FileInfoToDirEntry(info)), nil
}

// followHolidays fetches the calendars that the centre names, now and twice a day,
// and reloads when one has changed. What cannot be had or read leaves the last good
// copy in its place.
func (s *server) followHolidays(ctx context.Context) error {
	tick := time.NewTicker(holidaysEvery)
	defer tick.Stop()
	for {
		if s.fetchHolidays(ctx) {
			if _, err := s.reload(ctx, "system:holidays"); err != nil && ctx.Err() == nil {
				s.log.Error("holidays not activated", zap.Error(err))
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// fetchHolidays reports whether a calendar has changed.
func (s *server) fetchHolidays(ctx context.Context) (changed bool) {
	for name, from := range s.centre.now().Holidays {
		is, err := fetchHoliday(ctx, from, filepath.Join(s.cfg.DataDir, holidaysFolder, name+".ics"))
		if err != nil && ctx.Err() == nil {
			s.log.Warn("holidays not fetched: the last good copy holds", zap.String("calendar", name), zap.Error(err))
		}
		changed = changed || is
	}
	return changed
}

// holidaysFolder is where below the data the last good copies lie.
const holidaysFolder = "holidays"

// fetchHoliday gets one calendar into a file, when it is one and differs.
func fetchHoliday(ctx context.Context, from, file string) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, holidaysWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return false, err
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("%s answers %s", req.URL.Redacted(), resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, hours.MaxHolidays+1))
	if err != nil {
		return false, err
	}
	if _, err := hours.ParseHolidays(data); err != nil {
		return false, err
	}
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, data) {
		return false, nil
	}
	return true, replaceFile(file, data)
}

// replaceFile puts a whole file in the place of another, or changes nothing.
func replaceFile(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
