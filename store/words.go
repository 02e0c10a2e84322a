package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pressly/goose/v3"
	"golang.org/x/text/unicode/norm"

	"firstline/call"
	"firstline/tickets"
)

// The words of tickets, so that they are found by what was said. Both engines are
// handed words that are cut here, never text: what a word is does not depend on the
// engine, and nothing that a caller or an agent wrote is ever query syntax.

// Only here and in migrations do the engines differ.
const (
	makeWordsSQLite   = `CREATE VIRTUAL TABLE ticket_words USING fts5(words, content = '', contentless_delete = 1, detail = none, tokenize = "unicode61 remove_diacritics 0")`
	makeWordsPostgres = `CREATE TABLE ticket_words (doc BIGINT NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL)`
	findWordsPostgres = `CREATE INDEX ticket_words_words ON ticket_words USING GIN (words)`

	putWordsSQLite   = `INSERT OR REPLACE INTO ticket_words (rowid, words) VALUES {rows}`
	putWordsPostgres = `INSERT INTO ticket_words (doc, words) VALUES {rows} ON CONFLICT (doc) DO UPDATE SET words = excluded.words`
)

// searchColumns is what lists of tickets are filtered by, beside the ticket.
func searchColumns() []string {
	return []string{
		`ALTER TABLE tickets ADD COLUMN client TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE tickets ADD COLUMN caller TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE tickets ADD COLUMN handler TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE tickets ADD COLUMN priority BIGINT NOT NULL DEFAULT 0`,
		`ALTER TABLE tickets ADD COLUMN began BIGINT NOT NULL DEFAULT 0`,
		`ALTER TABLE tickets ADD COLUMN changed BIGINT NOT NULL DEFAULT 0`,
		`CREATE INDEX tickets_caller ON tickets (caller, opened)`,
		`CREATE INDEX tickets_handler ON tickets (handler, opened)`,
		`CREATE INDEX tickets_client ON tickets (client, changed)`,
		`CREATE INDEX tickets_unfiled ON tickets (opened) WHERE changed = 0`,
	}
}

// searchMigration is number 12: it differs by engine, which a file cannot.
func (d *database) searchMigration() *goose.Migration {
	return goose.NewGoMigration(12, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		texts := append(searchColumns(), makeWordsSQLite)
		if d.postgres {
			texts = append(searchColumns(), makeWordsPostgres, findWordsPostgres)
		}
		for _, text := range texts {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return fmt.Errorf("%.40s: %w", text, err)
			}
		}
		return nil
	}}, nil)
}

func (d *database) putWords() string {
	if d.postgres {
		return putWordsPostgres
	}
	return putWordsSQLite
}

const (
	mostWords   = 4000 // of one ticket
	longestWord = 64   // bytes
	mostAsked   = 12   // words of one question
	shortPrefix = 3    // a shorter word is found whole only
)

// words cuts text into the words by which it is found: letters and digits, in lower
// case, without accents, each once and in order.
func words(text string) []string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return ' '
	}, norm.NFKD.String(clean(text)))
	all := strings.Fields(plain)
	for i, w := range all {
		for len(w) > longestWord {
			_, n := utf8.DecodeLastRuneInString(w)
			w = w[:len(w)-n]
		}
		all[i] = w
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), mostWords)]
}

// wordsOf are the words of a ticket, with the text of its notes.
func wordsOf(t *tickets.Ticket, notes string) string {
	return strings.Join(words(strings.Join([]string{string(t.ID), t.Subject, t.Caller.Name, t.Caller.Number, notes}, " ")), " ")
}

// match asks for tickets that have all words of a text, each whole or, from three
// letters on, as a beginning. It is "" when the text has no word.
func (d *database) match(text string) string {
	var parts []string
	for _, w := range words(text)[:min(len(words(text)), mostAsked)] {
		begins := utf8.RuneCountInString(w) >= shortPrefix
		switch {
		case d.postgres && begins:
			parts = append(parts, "'"+w+"':*")
		case d.postgres:
			parts = append(parts, "'"+w+"'")
		case begins:
			parts = append(parts, `"`+w+`"*`)
		default:
			parts = append(parts, `"`+w+`"`)
		}
	}
	if d.postgres {
		return strings.Join(parts, " & ")
	}
	return strings.Join(parts, " ")
}

// said is what a commit knows of the notes of tickets, for their words.
type said struct {
	notes map[string]string // ticket to the text of its notes
	stale map[string]bool   // tickets whose words change
}

func newSaid() said { return said{notes: make(map[string]string), stale: make(map[string]bool)} }

const textOfNotes = `SELECT note FROM ticket_notes WHERE ticket_id = $1 ORDER BY global`

// load reads the notes that a ticket has already, when one is added.
func (s said) load(ctx context.Context, db *database, it item) error {
	if _, noted := it.Body.(call.TicketNoted); !noted || it.Seq <= 1 {
		return nil
	}
	if _, known := s.notes[it.Stream.ID]; known {
		return nil
	}
	rows, err := db.query(ctx, textOfNotes, it.Stream.ID)
	if err != nil {
		return fmt.Errorf("notes of %s: %w", it.Stream.ID, err)
	}
	defer rows.Close()
	var text strings.Builder
	for rows.Next() {
		var note string
		if err := rows.Scan(&note); err != nil {
			return fmt.Errorf("notes of %s: %w", it.Stream.ID, err)
		}
		text.WriteString(noteText(note) + " ")
	}
	s.notes[it.Stream.ID] = text.String()
	return rows.Err()
}

// heed notes what an event adds to the words.
func (s said) heed(it item) {
	switch b := it.Body.(type) {
	case call.TicketOpened:
		s.stale[it.Stream.ID] = true
	case call.TicketNoted:
		s.notes[it.Stream.ID] += b.Text + " "
		s.stale[it.Stream.ID] = true
	}
}

func (s said) forget(id string) {
	delete(s.notes, id)
	delete(s.stale, id)
}
