// Package knowledge is what the desk knows: short articles and known errors by service
// and category, which are suggested for a ticket and linked to it when they were used.
// It is a fold over one stream of the journal, and its one writer.
package knowledge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"firstline/call"
)

// Limits of an article, in characters.
const (
	LongestTitle = 200
	LongestText  = 4000
)

var (
	// ErrInvalid means that what was written is refused; the error says why.
	ErrInvalid = errors.New("not valid")
	// ErrUnknown means that there is no such article in use.
	ErrUnknown = errors.New("no such article")
	// ErrStale means that somebody else changed the article meanwhile.
	ErrStale = errors.New("changed by somebody else meanwhile")
)

// Article is one of them, as it is now.
type Article struct {
	call.ArticleWritten
	Version int
	Written time.Time
	Retired time.Time // zero while it is in use
	Why     string    // it was retired
}

// List is the articles. Its methods are safe for use by many goroutines.
type List struct {
	journal call.Journal

	mu  sync.Mutex // guards all, and orders the stream; held while an event is written
	all []*Article // in the order in which they were first written
}

// New takes up what the stream holds.
func New(journal call.Journal, story []call.Event) *List {
	l := &List{journal: journal}
	for _, e := range story {
		l.apply(e)
	}
	return l
}

func (l *List) apply(e call.Event) {
	switch b := e.Body.(type) {
	case call.ArticleWritten:
		a := l.find(b.Article)
		if a == nil {
			a = &Article{}
			l.all = append(l.all, a)
		}
		a.ArticleWritten, a.Written, a.Retired, a.Why = b, e.At, time.Time{}, ""
		a.Version++
	case call.ArticleRetired:
		if a := l.find(b.Article); a != nil {
			a.Retired, a.Why = e.At, b.Why
			a.Version++
		}
	}
}

func (l *List) find(id string) *Article {
	i := slices.IndexFunc(l.all, func(a *Article) bool { return a.Article == id })
	if i < 0 {
		return nil
	}
	return l.all[i]
}

// Write keeps an article durably; one without an id is new, another one replaces the
// version that it was made on. ErrInvalid, ErrUnknown, ErrStale.
func (l *List) Write(ctx context.Context, w call.ArticleWritten, version int) (Article, error) {
	w.Title, w.Text = strings.TrimSpace(w.Title), strings.TrimSpace(w.Text)
	w.Level = cmp.Or(w.Level, 1)
	switch {
	case w.Title == "" || utf8.RuneCountInString(w.Title) > LongestTitle:
		return Article{}, fmt.Errorf("%w: it needs a title of up to %d characters", ErrInvalid, LongestTitle)
	case w.Text == "" || utf8.RuneCountInString(w.Text) > LongestText:
		return Article{}, fmt.Errorf("%w: it needs a text of up to %d characters", ErrInvalid, LongestText)
	case w.Level < 1 || w.Level > 4:
		return Article{}, fmt.Errorf("%w: levels of support are 1 to 4, not %d", ErrInvalid, w.Level)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.Article == "" {
		w.Article = fmt.Sprintf("K-%d", len(l.all)+1)
	} else if a := l.find(w.Article); a == nil {
		return Article{}, fmt.Errorf("%w: %s", ErrUnknown, w.Article)
	} else if a.Version != version {
		return Article{}, fmt.Errorf("%w: %s is at version %d, this was made on %d", ErrStale, w.Article, a.Version, version)
	}
	if err := l.write(ctx, w); err != nil {
		return Article{}, err
	}
	return *l.find(w.Article), nil
}

// Retire takes an article out of use: it is suggested no more, and stays on the tickets
// that used it. ErrUnknown, ErrInvalid.
func (l *List) Retire(ctx context.Context, id, by, why string) (Article, error) {
	if why = strings.TrimSpace(why); why == "" {
		return Article{}, fmt.Errorf("%w: say why", ErrInvalid)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.find(id); a == nil || !a.Retired.IsZero() {
		return Article{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	if err := l.write(ctx, call.ArticleRetired{Article: id, By: by, Why: why}); err != nil {
		return Article{}, err
	}
	return *l.find(id), nil
}

// write appends an event and folds it in; mu is held.
func (l *List) write(ctx context.Context, b call.Body) error {
	ev := call.ArticleEvent(time.Now(), b)
	if err := l.journal.Append(context.WithoutCancel(ctx), ev); err != nil {
		return fmt.Errorf("article: %w", err)
	}
	l.apply(ev)
	return nil
}

// Article is one of them, retired or not. ErrUnknown.
func (l *List) Article(id string) (Article, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.find(id); a != nil {
		return *a, nil
	}
	return Article{}, fmt.Errorf("%w: %s", ErrUnknown, id)
}

// Query is what articles are looked for by.
type Query struct {
	Service, Category string
	Text              string
}

// Search is the articles in use, the most fitting first: by service, by category, and by
// the words of the text that they hold. An empty query finds all; another one only those
// that fit in something.
func (l *List) Search(q Query) []Article {
	l.mu.Lock()
	defer l.mu.Unlock()
	wanted := words(q.Text)
	points := map[string]int{}
	var out []Article
	for _, a := range l.all {
		if !a.Retired.IsZero() {
			continue
		}
		n := 0
		if q.Service != "" && a.Service == q.Service {
			n += 3
		}
		if q.Category != "" && a.Category == q.Category {
			n += 2
		}
		has := words(a.Title + " " + a.Text)
		for w := range wanted {
			if has[w] {
				n += 2
			}
		}
		if n > 0 || q == (Query{}) {
			points[a.Article] = n
			out = append(out, *a)
		}
	}
	slices.SortStableFunc(out, func(a, b Article) int {
		return cmp.Or(cmp.Compare(points[b.Article], points[a.Article]), b.Written.Compare(a.Written))
	})
	return out
}

// words are those of a text that say something: of four letters or more.
func words(text string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if utf8.RuneCountInString(w) >= 4 {
			all[w] = true
		}
	}
	return all
}
