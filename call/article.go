package call

import "time"

// StreamArticle is the story of what the desk knows: one stream, since each event names
// its own article.
const StreamArticle StreamKind = "article"

// ArticleStream is its id.
const ArticleStream = "firstline"

// ArticleEvent is an event of an article at an instant.
func ArticleEvent(at time.Time, b Body) Event { return newEvent(at, StreamArticle, ArticleStream, b) }

type (
	// ArticleWritten is an article as it is from now on: a new one, or another version.
	ArticleWritten struct {
		Article  string `json:"article"` // "K-1"
		Title    string `json:"title"`
		Text     string `json:"text"`
		Service  string `json:"service,omitempty"`
		Category string `json:"category,omitempty"`
		Known    bool   `json:"known,omitempty"` // a known error: the cause is known, and no cure yet
		Level    int    `json:"level"`           // of support that can do what it says: 1 to 4
		By       string `json:"by"`
	}
	// ArticleRetired takes an article out of use.
	ArticleRetired struct {
		Article string `json:"article"`
		By      string `json:"by"`
		Why     string `json:"why"`
	}
	// ArticleUsed is of the ticket stream: somebody has worked by the article.
	ArticleUsed struct {
		Article string `json:"article"`
		By      string `json:"by"`
	}
)

func (ArticleWritten) Type() string { return "article.written" }
func (ArticleRetired) Type() string { return "article.retired" }
func (ArticleUsed) Type() string    { return "ticket.article-used" }

func articleDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case ArticleWritten{}.Type():
		return decodeAs[ArticleWritten], true
	case ArticleRetired{}.Type():
		return decodeAs[ArticleRetired], true
	case ArticleUsed{}.Type():
		return decodeAs[ArticleUsed], true
	}
	return nil, false
}
