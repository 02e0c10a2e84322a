package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"firstline/call"
	"firstline/store/storetest"
)

// BenchmarkJournal measures a busy desk: many writers, each opening a call with
// its ticket and waiting, and posting eight more events of the call. It reports
// events a second and what an Append waits.
func BenchmarkJournal(b *testing.B) {
	for name, engine := range map[string]storetest.Engine{"SQLite": storetest.SQLite, "Postgres": storetest.Postgres(cluster)} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/writers=%d", name, writers), func(b *testing.B) { journal(b, engine, writers) })
		}
	}
}

func journal(b *testing.B, engine storetest.Engine, writers int) {
	s, stop := storetest.Start(b, engine(b).Config)
	defer stop()
	j := s.Journal()
	waits := make([][]time.Duration, writers)
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := w; n < b.N; n += writers {
				at := time.Now()
				id := call.NewID(at)
				ticket := call.TicketID(fmt.Sprintf("T-%d", n))
				storetest.Append(b, j, call.CallEvent(at, id, call.Arrived{Ticket: ticket, From: call.Party{Number: "+4930123456", Name: "Ada"}, To: call.Party{Number: "1000"}}),
					call.TicketEvent(at, ticket, call.TicketOpened{Call: id, Subject: "Call from +4930123456 to 1000"}))
				waits[w] = append(waits[w], time.Since(at))
				entry := id.Entry(1)
				for _, body := range []call.Body{
					call.Answered{},
					call.StageEntered{Stage: "flow"},
					call.Keyed{Node: "menu", Digits: "1", Accepted: true},
					call.QueueJoined{Entry: entry, Queue: "service-desk", Joined: at},
					call.Offered{Offer: entry.Offer(1), Agent: "ana", Ring: 15 * time.Second},
					call.OfferEnded{Offer: entry.Offer(1), Agent: "ana", Result: call.OfferAnswered},
					call.QueueLeft{Entry: entry, Queue: "service-desk", Outcome: call.OutcomeAnswered, Agent: "ana", Wait: time.Second},
					call.Ended{Outcome: call.OutcomeAnswered, Cause: call.Cause{Reason: call.Hangup}, Stage: "talk"},
				} {
					j.Post(call.CallEvent(at, id, body))
				}
			}
		})
	}
	wg.Wait()
	storetest.Append(b, j, call.SystemEvent(time.Now(), call.Started{})) // behind all posts
	b.StopTimer()
	all := slices.Concat(waits...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N*10)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}
