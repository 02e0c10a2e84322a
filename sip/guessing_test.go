package sip

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTenGuessesAreCheckedThenTheSourceIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, logs := newTestAuth(t)
		for i := range 10_000 {
			at := attempt{"192.0.2.66:5060", "2001", fmt.Sprint("guess ", i), freshNonce(t, a), "MD5", 1}
			if _, c := a.Check(t.Context(), at.request(t)); c.Status != 401 {
				t.Fatalf("guess %d: %d", i, c.Status)
			}
		}
		if a.hashed > 10 {
			t.Errorf("%d guesses were checked", a.hashed)
		}
		right := attempt{"192.0.2.66:5061", "2001", "right", freshNonce(t, a), "MD5", 1}
		if _, c := a.Check(t.Context(), right.request(t)); c == nil {
			t.Error("the blocked source got in")
		}
		right.source, right.nonce = "192.0.2.7:5060", freshNonce(t, a)
		if _, c := a.Check(t.Context(), right.request(t)); c != nil {
			t.Error("the true user is shut out at another address")
		}
		if n := logs.FilterMessage("sip digest refused").Len(); n > 10 {
			t.Errorf("%d log lines", n)
		}
		time.Sleep(sourceBlock)
		right.source, right.nonce = "192.0.2.66:5060", freshNonce(t, a)
		if _, c := a.Check(t.Context(), right.request(t)); c != nil {
			t.Error("the block does not end")
		}
	})
}

func TestGuessesAtOnceDoNotPassTogether(t *testing.T) {
	a, _, _ := newTestAuth(t)
	var wg sync.WaitGroup
	for i := range 100 {
		req := attempt{"192.0.2.66:5060", "2001", fmt.Sprint(i), freshNonce(t, a), "MD5", 1}.request(t)
		wg.Go(func() { a.Check(context.Background(), req) })
	}
	wg.Wait()
	if a.hashed > guessesPerSource {
		t.Errorf("%d guesses were checked", a.hashed)
	}
}

func TestOnePhoneWithAnOldPasswordDoesNotShutOutItsOffice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := newTestAuth(t)
		office := "192.0.2.1:5060"
		check := func(user, pw string) *challenge {
			_, c := a.Check(t.Context(), attempt{office, user, pw, freshNonce(t, a), "MD5", 1}.request(t))
			return c
		}
		if c := check("2002", "also right"); c != nil {
			t.Fatalf("%+v", c)
		}
		for range 50 {
			check("2001", "old")
		}
		if c := check("2002", "also right"); c != nil {
			t.Errorf("a phone that was in before is shut out: %+v", c)
		}
		before := a.hashed
		for range 50 {
			check("2002", "guess")
		}
		if n := a.hashed - before; n > guessesPerSource {
			t.Errorf("%d guesses at the known phone were checked", n)
		}
	})
}

func TestGuessingFromManySourcesGrowsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := newTestAuth(t)
		home := attempt{"198.51.100.1:5060", "2001", "right", freshNonce(t, a), "MD5", 1}
		if _, c := a.Check(t.Context(), home.request(t)); c != nil {
			t.Fatalf("%+v", c)
		}
		before := a.hashed
		for i := range 3600 { // one source each second for an hour
			at := attempt{fmt.Sprintf("10.0.%d.%d:5060", i/250, i%250+1), "2001", "guess", freshNonce(t, a), "MD5", 1}
			a.Check(t.Context(), at.request(t))
			time.Sleep(time.Second)
		}
		if n := a.hashed - before; n > guessesPerUser+25 {
			t.Errorf("%d guesses were checked in an hour", n)
		}
		home.nonce = freshNonce(t, a)
		if _, c := a.Check(t.Context(), home.request(t)); c != nil {
			t.Error("the true user is shut out at home")
		}
	})
}

func TestSuccessfulRegistrationsNeverBlock(t *testing.T) {
	a, _, _ := newTestAuth(t)
	for i := range 100 {
		at := attempt{"192.0.2.1:5060", []string{"2001", "2002"}[i%2], []string{"right", "also right"}[i%2], freshNonce(t, a), "SHA-256", 1}
		if _, c := a.Check(t.Context(), at.request(t)); c != nil {
			t.Fatalf("%d: %+v", i, c)
		}
	}
}
