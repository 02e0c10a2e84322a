package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"firstline/config"
)

const christmas = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestTheLastGoodCopyOfHolidaysIsKept(t *testing.T) {
	var answer atomic.Value
	answer.Store(christmas)
	status := atomic.Int32{}
	status.Store(200)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write([]byte(answer.Load().(string)))
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), holidaysFolder, "bavaria.ics")
	if changed, err := fetchHoliday(t.Context(), server.URL, file); !changed || err != nil {
		t.Fatal(changed, err)
	}
	if changed, err := fetchHoliday(t.Context(), server.URL, file); changed || err != nil {
		t.Errorf("the same again: changed %v, %v", changed, err)
	}
	for text, code := range map[string]int32{"<html>not here</html>": 200, christmas: 500} {
		answer.Store(text)
		status.Store(code)
		if changed, err := fetchHoliday(t.Context(), server.URL, file); changed || err == nil {
			t.Errorf("%d %.20q: changed %v, %v", code, text, changed, err)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != christmas {
		t.Errorf("kept: %.40q, %v", b, err)
	}
}

func TestHolidaysThatWereFetchedAreOfTheCentre(t *testing.T) {
	files := fstest.MapFS{
		"numbers.yaml": {Data: []byte("1000: {queue: desk, hours: desk}\n")},
		"queues.yaml":  {Data: []byte("desk: {}\n")},
		"hours.yaml": {Data: []byte(`holidays: {bavaria: "https://holidays.example/bavaria.ics"}
calendars: {desk: {zone: Europe/Berlin, weekly: {mon-fri: ["08:00-18:00"]}, open: {2026-12-28: ["10:00-11:00"]}, holidays: [bavaria]}}
`)},
	}
	data := filepath.Join(t.TempDir(), holidaysFolder)
	at := time.Date(2026, 12, 25, 10, 0, 0, 0, time.UTC)
	open := func(dir fs.FS) (bool, *config.Centre) {
		t.Helper()
		c, err := config.LoadCentre(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		is, _ := c.Calendars["desk"].Open(at)
		return is, c
	}
	before, without := open(kept{files, data})
	if !before || len(without.Hints) != 1 {
		t.Errorf("before the first fetch: open %v, hints %v", before, without.Hints)
	}
	if err := replaceFile(filepath.Join(data, "bavaria.ics"), []byte(christmas)); err != nil {
		t.Fatal(err)
	}
	after, with := open(kept{files, data})
	if after || len(with.Hints) != 0 || with.Hash == without.Hash {
		t.Errorf("after it: open %v, hints %v", after, with.Hints)
	}
	again, err := config.LoadFiles(with.Files, nil)
	if err != nil || again.Hash != with.Hash {
		t.Fatalf("the stored version: %v", err)
	}
	if is, _ := again.Calendars["desk"].Open(at); is {
		t.Error("the stored version is open on the holiday")
	}
	// The centre's own copy goes first.
	files["holidays/bavaria.ics"] = &fstest.MapFile{Data: []byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20270101\r\nSUMMARY:New Year\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")}
	if is, _ := open(kept{files, data}); !is {
		t.Error("the centre's own copy does not count")
	}
}
