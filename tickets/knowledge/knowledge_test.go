package knowledge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"firstline/call"
	"firstline/tickets/knowledge"
)

type journal struct{ events []call.Event }

func (j *journal) Append(_ context.Context, evs ...call.Event) error {
	j.events = append(j.events, evs...)
	return nil
}

func (j *journal) Post(evs ...call.Event) { j.events = append(j.events, evs...) }

func TestArticlesAreSuggestedByServiceCategoryAndWords(t *testing.T) {
	j := &journal{}
	l := knowledge.New(j, nil)
	for _, a := range []call.ArticleWritten{
		{Title: "Mailbox is full", Text: "Empty the deleted items.", Service: "mail", Category: "software"},
		{Title: "VPN drops every hour", Text: "Known: the gateway renews its key.", Service: "network", Known: true, Level: 2},
		{Title: "Printer prints blank pages", Text: "Replace the toner.", Category: "hardware"},
	} {
		if _, err := l.Write(t.Context(), a, 0); err != nil {
			t.Fatal(err)
		}
	}
	for want, q := range map[string]knowledge.Query{
		"[K-3 K-2 K-1]": {},
		"[K-2]":         {Service: "network"},
		"[K-1 K-3]":     {Service: "mail", Text: "the toner is gone"},
		"[K-3]":         {Text: "BLANK pages!"},
		"[]":            {Text: "the a of"},
	} {
		var got []string
		for _, a := range l.Search(q) {
			got = append(got, a.Article)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%+v: %v, want %s", q, got, want)
		}
	}
	if again := knowledge.New(j, j.events).Search(knowledge.Query{}); len(again) != 3 || again[1].Title != "VPN drops every hour" {
		t.Errorf("after a restart: %+v", again)
	}
}

func TestAnArticleIsChangedOnTheVersionThatWasReadAndStaysWhenItIsRetired(t *testing.T) {
	j := &journal{}
	l := knowledge.New(j, nil)
	a, err := l.Write(t.Context(), call.ArticleWritten{Title: "one", Text: "text", By: "agent:kim"}, 0)
	if err != nil || a.Article != "K-1" || a.Version != 1 || a.Level != 1 {
		t.Fatalf("%+v %v", a, err)
	}
	a.Title = "two"
	if a, err = l.Write(t.Context(), a.ArticleWritten, 1); err != nil || a.Version != 2 {
		t.Errorf("%+v %v", a, err)
	}
	for want, do := range map[error]func() error{
		knowledge.ErrStale: func() error { _, err := l.Write(t.Context(), a.ArticleWritten, 1); return err },
		knowledge.ErrUnknown: func() error {
			_, err := l.Write(t.Context(), call.ArticleWritten{Article: "K-9", Title: "x", Text: "y"}, 1)
			return err
		},
		knowledge.ErrInvalid: func() error {
			_, err := l.Write(t.Context(), call.ArticleWritten{Title: " ", Text: "y"}, 0)
			return err
		},
	} {
		if err := do(); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if _, err := l.Retire(t.Context(), "K-1", "agent:kim", "wrong"); err != nil {
		t.Error(err)
	}
	if _, err := l.Retire(t.Context(), "K-1", "agent:kim", "wrong"); !errors.Is(err, knowledge.ErrUnknown) {
		t.Errorf("twice: %v", err)
	}
	if a, err := l.Article("K-1"); err != nil || a.Retired.IsZero() || len(l.Search(knowledge.Query{})) != 0 || len(j.events) != 3 {
		t.Errorf("%+v %v", a, err)
	}
}
