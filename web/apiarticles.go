package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/knowledge"
)

// Articles is what the desk knows: knowledge.List, whose errors count, and the tickets
// that used it.
type Articles interface {
	Search(q knowledge.Query) []knowledge.Article
	Article(id string) (knowledge.Article, error)
	Write(ctx context.Context, w call.ArticleWritten, version int) (knowledge.Article, error)
	Retire(ctx context.Context, id, by, why string) (knowledge.Article, error)
	Use(ctx context.Context, id call.TicketID, article, by string) (tickets.Ticket, error)
}

// Article is a short text on a problem, or a known error.
type Article struct {
	ID       string     `json:"id"`
	Title    string     `json:"title"`
	Text     string     `json:"text"`
	Service  string     `json:"service,omitempty"`
	Category string     `json:"category,omitempty"`
	Known    bool       `json:"known_error,omitempty" doc:"the cause is known, and no cure yet"`
	Level    int        `json:"level" doc:"of support that can do what it says"`
	By       string     `json:"by"`
	Written  time.Time  `json:"written"`
	Version  int        `json:"version" doc:"an edit says on which it was made, in If-Match"`
	Retired  *time.Time `json:"retired,omitempty"`
	Why      string     `json:"why,omitempty" doc:"it was retired"`
}

func articleView(a knowledge.Article) Article {
	return Article{
		ID: a.Article, Title: a.Title, Text: a.Text, Service: a.Service, Category: a.Category, Known: a.Known, Level: a.Level,
		By: a.By, Written: a.Written, Version: a.Version, Retired: instant(a.Retired), Why: a.Why,
	}
}

type articlesIn struct {
	Service  string        `query:"service" maxLength:"64"`
	Category string        `query:"category" maxLength:"64"`
	Text     string        `query:"text" maxLength:"400" doc:"words that it should hold"`
	Ticket   call.TicketID `query:"ticket" maxLength:"100" doc:"suggest for this ticket: by its service, category, subject and notes"`
}

type articlesOut struct {
	Body struct {
		Articles []Article `json:"articles" doc:"the most fitting first"`
	}
}

type articleBody struct {
	Title    string `json:"title" minLength:"1" maxLength:"200"`
	Text     string `json:"text" minLength:"1" maxLength:"4000"`
	Service  string `json:"service,omitempty" maxLength:"64"`
	Category string `json:"category,omitempty" maxLength:"64"`
	Known    bool   `json:"known_error,omitempty"`
	Level    int    `json:"level,omitempty" minimum:"0" maximum:"4" doc:"1 unless it says otherwise"`
}

type writeArticleIn struct{ Body articleBody }

type changeArticleIn struct {
	ID      string `path:"id" maxLength:"100"`
	IfMatch string `header:"If-Match" maxLength:"30" doc:"the version as it was read"`
	Body    articleBody
}

type retireArticleIn struct {
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Why string `json:"why" minLength:"1" maxLength:"1000"`
	}
}

type useArticleIn struct {
	ID   call.TicketID `path:"id" maxLength:"100"`
	Body struct {
		Article string `json:"article" minLength:"1" maxLength:"100"`
	}
}

type articleOut struct{ Body Article }

// ArticleUse is how often an article has solved a ticket, by the level that did.
type ArticleUse struct {
	Article Article         `json:"article"`
	Levels  [4]int          `json:"levels" doc:"tickets that are settled and used it, by the level that worked on them then: 1 to 4"`
	Above   []call.TicketID `json:"above" doc:"of those, which a level above the article's solved, though that one could have"`
}

type articleUsesOut struct {
	Body struct {
		Uses []ArticleUse `json:"uses" doc:"those with the most tickets that went too far up first"`
	}
}

func (s *Server) articleRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/articles", "list-articles", "Articles and known errors in use, by service, category and words, or for a ticket", Agent, 404), s.listArticles)
	op := operation(http.MethodPost, "/articles", "write-article", "Write a new article", Agent, 422, 503)
	op.DefaultStatus = http.StatusCreated
	register(s, api, op, s.writeArticle)
	register(s, api, operation(http.MethodPut, "/articles/{id}", "change-article", "Replace an article by another version", Agent, 404, 412, 422, 428, 503), s.changeArticle)
	register(s, api, operation(http.MethodPost, "/articles/{id}/retire", "retire-article", "Take an article out of use", Supervisor, 404, 422, 503), s.retireArticle)
	register(s, api, operation(http.MethodPost, "/tickets/{id}/articles", "use-article", "Link an article that was used", Agent, 404, 503), s.useArticle)
	register(s, api, operation(http.MethodGet, "/article-uses", "list-article-uses", "Which articles solved tickets at which level, and what a higher level solved that a lower one could have", Supervisor), s.listUses)
}

func (s *Server) listArticles(ctx context.Context, in *articlesIn) (*articlesOut, error) {
	q := knowledge.Query{Service: in.Service, Category: in.Category, Text: in.Text}
	if in.Ticket != "" {
		t, err := s.cfg.Tickets.Ticket(ctx, in.Ticket)
		if err != nil {
			return nil, err
		}
		q = knowledge.Query{Service: cmp.Or(q.Service, t.Class.Service), Category: cmp.Or(q.Category, t.Class.Category), Text: q.Text + " " + t.Subject}
		for _, n := range t.Notes {
			q.Text += " " + n.Text
		}
	}
	out := new(articlesOut)
	out.Body.Articles = []Article{}
	for _, a := range s.cfg.Articles.Search(q) {
		out.Body.Articles = append(out.Body.Articles, articleView(a))
	}
	return out, nil
}

func (b articleBody) written(id, by string) call.ArticleWritten {
	return call.ArticleWritten{
		Article: id, Title: plain(b.Title), Text: plain(b.Text), Service: b.Service, Category: b.Category, Known: b.Known, Level: b.Level, By: by,
	}
}

func (s *Server) writeArticle(ctx context.Context, in *writeArticleIn) (*articleOut, error) {
	return articleAnswer(s.cfg.Articles.Write(ctx, in.Body.written("", s.by(ctx)), 0))
}

func articleAnswer(a knowledge.Article, err error) (*articleOut, error) {
	if err != nil {
		return nil, err
	}
	return &articleOut{articleView(a)}, nil
}

func (s *Server) changeArticle(ctx context.Context, in *changeArticleIn) (*articleOut, error) {
	version, err := versionIn(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return articleAnswer(s.cfg.Articles.Write(ctx, in.Body.written(in.ID, s.by(ctx)), int(version)))
}

func (s *Server) retireArticle(ctx context.Context, in *retireArticleIn) (*articleOut, error) {
	return articleAnswer(s.cfg.Articles.Retire(ctx, in.ID, s.by(ctx), plain(in.Body.Why)))
}

func (s *Server) useArticle(ctx context.Context, in *useArticleIn) (*ticketOut, error) {
	if _, err := s.cfg.Articles.Article(in.Body.Article); err != nil {
		return nil, err
	}
	return s.moved(ctx)(s.cfg.Articles.Use(ctx, in.ID, in.Body.Article, s.by(ctx)))
}

// mostUses is how many settled tickets are looked at, the newest first.
const mostUses = 10_000

func (s *Server) listUses(ctx context.Context, _ *struct{}) (*articleUsesOut, error) {
	uses := map[string]*ArticleUse{}
	for _, state := range []tickets.State{tickets.Resolved, tickets.Closed} {
		f := TicketFilter{State: state, Limit: maxPage}
		for range mostUses / maxPage {
			rows, err := s.cfg.Tickets.Tickets(ctx, f)
			if err != nil {
				return nil, err
			}
			for _, t := range rows {
				s.countUses(uses, t)
				f.Before = t.ID
			}
			if len(rows) < f.Limit {
				break
			}
		}
	}
	out := new(articleUsesOut)
	out.Body.Uses = []ArticleUse{}
	for _, u := range uses {
		out.Body.Uses = append(out.Body.Uses, *u)
	}
	slices.SortFunc(out.Body.Uses, func(a, b ArticleUse) int {
		return cmp.Or(cmp.Compare(len(b.Above), len(a.Above)), cmp.Compare(a.Article.ID, b.Article.ID))
	})
	return out, nil
}

func (s *Server) countUses(uses map[string]*ArticleUse, t tickets.Ticket) {
	level := t.SolvedAt()
	for _, id := range t.Articles {
		a, err := s.cfg.Articles.Article(id)
		if err != nil || level < 1 || level > 4 {
			continue
		}
		if uses[id] == nil {
			uses[id] = &ArticleUse{Article: articleView(a), Above: []call.TicketID{}}
		}
		uses[id].Levels[level-1]++
		if level > a.Level {
			uses[id].Above = append(uses[id].Above, t.ID)
		}
	}
}
