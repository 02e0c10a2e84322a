package intake

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue/estimate"
)

// forecast says the same to everybody.
type forecast struct{ low, high time.Duration }

func (f forecast) Estimate(time.Time, call.QueueID, estimate.Place) (estimate.Range, estimate.Reason, bool) {
	return estimate.Range{Low: f.low, High: f.high, Mean: f.high}, "", f.high > 0
}

func telling(a Announce) func(*Centre) {
	return func(c *Centre) { c.Announce = map[call.QueueID]Announce{"service-desk": a} }
}

func (r *rig) heardKeys(media []call.Media) []string {
	var keys []string
	for _, m := range media {
		if m != "music:default" && m != "prompt:en/recording-notice" {
			keys = append(keys, string(m[len("prompt:en/"):]))
		}
	}
	return keys
}

func TestPositionIsToldAndNeverAWorseOne(t *testing.T) {
	tuned(t, telling(Announce{Position: true, Every: 20 * time.Second}), func(r *rig) {
		r.phone.Unregister()
		r.queue.Reachable("2001", false)
		first := r.sw.Dial("+4930123", "1009")
		time.Sleep(time.Second)
		second := r.sw.Dial("+4930124", "1009")
		time.Sleep(60 * time.Second)
		first.Hangup()
		time.Sleep(20 * time.Second)
		second.Hangup()
		time.Sleep(time.Second)
		want := []string{"queue-position", "digit-2", "queue-position", "digit-2", "queue-next"}
		if d := cmp.Diff(want, r.heardKeys(second.Heard())); d != "" {
			t.Error(d)
		}
		told := r.journal.Record(second.Call.ID).Entries[0].Told
		if len(told) != 3 || told[0].Position != 2 || told[2].Position != 1 {
			t.Errorf("%+v", told)
		}
	})
}

func TestEstimateIsToldAsARangeAndKept(t *testing.T) {
	tuned(t, telling(Announce{Estimate: true, First: 5 * time.Second, Every: time.Minute, Prompts: []string{"queue-still"}}), func(r *rig) {
		r.desk.Forecast = forecast{3 * time.Minute, 12 * time.Minute}
		r.phone.Ignores()
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(20 * time.Second)
		c.Hangup()
		time.Sleep(time.Second)
		want := []string{"queue-estimate", "digit-3", "range-to", "number-12", "minutes", "queue-still"}
		if d := cmp.Diff(want, r.heardKeys(c.Heard())); d != "" {
			t.Error(d)
		}
		if told := r.only().Entries[0].Told; len(told) != 1 || told[0].High != 12*time.Minute {
			t.Errorf("%+v", told)
		}
	})
}

func TestAnnouncementStopsAsSoonAsAnAgentAnswers(t *testing.T) {
	tuned(t, telling(Announce{Every: 2 * time.Second, Prompts: []string{"queue-still", "queue-still"}}), func(r *rig) {
		r.sw.Length = func(m call.Media) time.Duration {
			if m == "prompt:en/queue-still" {
				return time.Minute
			}
			return time.Second
		}
		r.phone.AnswersAfter(8 * time.Second)
		c := r.sw.Dial("+4930123", "1009")
		time.Sleep(7 * time.Second)
		if got := c.Hears(); got != "prompt:en/queue-still" {
			t.Errorf("hears %q", got)
		}
		time.Sleep(1100 * time.Millisecond)
		if got := c.Hears(); got != "talk" {
			t.Errorf("after the answer: hears %q", got)
		}
		c.Hangup()
		time.Sleep(time.Second)
	})
}

func TestEveryPromptOfAnAnnouncementExists(t *testing.T) {
	keys := promptCatalogue(t)
	for n := range 30 {
		for _, k := range slices.Concat(positionKeys("en", n+1), estimateKeys("en", estimate.Range{Low: time.Duration(n) * time.Minute / 2, High: time.Duration(n) * time.Minute})) {
			if !slices.Contains(keys, k) {
				t.Errorf("there is no prompt %q", k)
			}
		}
	}
}

// promptCatalogue is the keys of the texts that the prompts are made from.
func promptCatalogue(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("../ivr/prompts/en.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for line := range strings.Lines(string(b)) {
		if key, _, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			keys = append(keys, key)
		}
	}
	return keys
}
