package main

import (
	"context"
	"fmt"
	"net/url"
	"text/tabwriter"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/knowledge"
	"firstline/web"
)

// openArticles takes up what the desk knows.
func (s *server) openArticles(ctx context.Context) error {
	story, err := wholeStory(ctx, s.store, call.Stream{Kind: call.StreamArticle, ID: call.ArticleStream})
	if err != nil {
		return fmt.Errorf("articles: %w", err)
	}
	s.articles = knowledge.New(s.journal, story)
	return nil
}

// webArticles refuses edits while the database is away, and links articles to tickets.
type webArticles struct {
	*knowledge.List
	s *server
}

func (w webArticles) Write(ctx context.Context, a call.ArticleWritten, version int) (knowledge.Article, error) {
	return edit(w.s, func() (knowledge.Article, error) { return w.List.Write(ctx, a, version) })
}

func (w webArticles) Retire(ctx context.Context, id, by, why string) (knowledge.Article, error) {
	return edit(w.s, func() (knowledge.Article, error) { return w.List.Retire(ctx, id, by, why) })
}

func (w webArticles) Use(ctx context.Context, id call.TicketID, article, by string) (tickets.Ticket, error) {
	return edit(w.s, func() (tickets.Ticket, error) { return w.s.tickets.UseArticle(ctx, id, article, by) })
}

type articlesCommand struct {
	List articlesList `cmd:"" default:"withargs" help:"Articles and known errors, the most fitting first."`
	Uses articlesUses `cmd:"" help:"At which level articles solved tickets, and which a lower one could have solved."`
}

type articlesList struct {
	Service  string `help:"Of this service."`
	Category string `help:"Of this category."`
	Ticket   string `help:"Suggest for this ticket." placeholder:"T-100001"`
	Text     string `help:"Words that they should hold."`
	serverFlags
}

func (c *articlesList) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	query := url.Values{}
	for key, text := range map[string]string{"service": c.Service, "category": c.Category, "ticket": c.Ticket, "text": c.Text} {
		if text != "" {
			query.Set(key, text)
		}
	}
	var list struct {
		Articles []web.Article `json:"articles"`
	}
	if err := api.do(ctx, "GET", "/api/v1/articles?"+query.Encode(), &list); err != nil {
		return err
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tLEVEL\tSERVICE\tCATEGORY\tTITLE")
	for _, a := range list.Articles {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\n", a.ID, a.Level, a.Service, a.Category, a.Title)
	}
	return table.Flush()
}

type articlesUses struct{ serverFlags }

func (c *articlesUses) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var list struct {
		Uses []web.ArticleUse `json:"uses"`
	}
	if err := api.do(ctx, "GET", "/api/v1/article-uses", &list); err != nil {
		return err
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tLEVEL\tL1\tL2\tL3\tL4\tTOO FAR UP\tTITLE")
	for _, u := range list.Uses {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", u.Article.ID, u.Article.Level, u.Levels[0], u.Levels[1], u.Levels[2], u.Levels[3], len(u.Above), u.Article.Title)
	}
	return table.Flush()
}
