package web_test

import (
	"testing"

	"firstline/call"
	"firstline/web"
)

func TestATicketIsHandedUpAcceptedAndReturnedOnTheVersionThatWasRead(t *testing.T) {
	d := newDesk(t)
	d.Arrive(clock().UTC(), "T-100001", call.Party{Number: "+4930123"})
	const path = "/api/v1/tickets/T-100001"
	form := `{"group":"network","tried":"rebooted","findings":"frames are lost","articles":["k1"]}`
	wantStatus(t, d.ask("POST", path+"/escalate", "agent-token", form), 428)
	wantStatus(t, d.ask("POST", path+"/escalate", "agent-token", `{"group":"none","tried":"a","findings":"b"}`, `If-Match: "0"`), 422)
	wantStatus(t, d.ask("POST", path+"/escalate", "agent-token", form, `If-Match: "0"`), 200)
	wantStatus(t, d.ask("POST", path+"/accept", "agent-token", `{"agent":"ben"}`, `If-Match: "0"`), 412)
	got := decode[web.TicketStory](t, d.ask("POST", path+"/accept", "agent-token", `{"agent":"ben"}`, `If-Match: "1"`))
	if got.Handler != "ben" || got.Support.Level != 2 || got.Support.Place != "group" || len(got.Support.Steps) != 1 || got.Support.Steps[0].Findings != "frames are lost" {
		t.Fatalf("%+v", got.Support)
	}
	if c := got.Support.Steps[0].Clocks; len(c) != 2 || !c[0].Promised || c[0].WithinMs != 30*60*1000 || c[0].State != "stopped" {
		t.Errorf("%+v", c)
	}
	got = decode[web.TicketStory](t, d.ask("POST", path+"/return", "agent-token", `{"why":"not the network"}`, `If-Match: "2"`))
	if got.Support.Level != 1 || got.Support.Place != "desk" || got.Support.Steps[0].Left.Note != "not the network" {
		t.Errorf("%+v", got.Support)
	}
}

func TestWhatAHigherLevelSolvedByAnArticleOfALowerOneIsListed(t *testing.T) {
	d := newDesk(t)
	now := clock().UTC()
	d.Arrive(now, "T-100001", call.Party{Number: "+4930123"})
	d.Arrive(now, "T-100002", call.Party{Number: "+4930124"})
	a := decode[web.Article](t, d.ask("POST", "/api/v1/articles", "agent-token", `{"title":"VPN drops","text":"renew the key","service":"network"}`))
	path := "/api/v1/tickets/T-100001"
	wantStatus(t, d.ask("PATCH", path, "agent-token", `{"class":{"service":"network"}}`, `If-Match: "0"`), 200)
	fits := decode[struct{ Articles []web.Article }](t, d.ask("GET", "/api/v1/articles?ticket=T-100001", "agent-token", ""))
	none := decode[struct{ Articles []web.Article }](t, d.ask("GET", "/api/v1/articles?ticket=T-100002", "agent-token", ""))
	if len(fits.Articles) != 1 || len(none.Articles) != 0 {
		t.Errorf("suggested: %+v, %+v", fits, none)
	}
	for _, ticket := range []string{"T-100001", "T-100002", "T-100002"} {
		wantStatus(t, d.ask("POST", "/api/v1/tickets/"+ticket+"/articles", "agent-token", `{"article":"`+a.ID+`"}`), 200)
	}
	wantStatus(t, d.ask("POST", path+"/escalate", "agent-token", `{"group":"network","tried":"a","findings":"b"}`, `If-Match: "1"`), 200)
	wantStatus(t, d.ask("PATCH", path, "agent-token", `{"state":"resolved"}`, `If-Match: "2"`), 200)
	wantStatus(t, d.ask("PATCH", "/api/v1/tickets/T-100002", "agent-token", `{"state":"resolved"}`, `If-Match: "0"`), 200)
	uses := decode[struct{ Uses []web.ArticleUse }](t, d.ask("GET", "/api/v1/article-uses", "supervisor-token", ""))
	if len(uses.Uses) != 1 || uses.Uses[0].Levels != [4]int{1, 1, 0, 0} || len(uses.Uses[0].Above) != 1 || uses.Uses[0].Above[0] != "T-100001" {
		t.Errorf("%+v", uses)
	}
}
