package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
)

// ReadTicket is a ticket, and the version of it that somebody had read who decides
// something about it.
type ReadTicket struct {
	ID      call.TicketID `path:"id" maxLength:"100"`
	IfMatch string        `header:"If-Match" maxLength:"30" doc:"the ETag of the ticket as it was read"`
}

// etag is a version as a header has it (RFC 9110 section 8.8.3).
func etag(version int64) string { return strconv.Quote(strconv.FormatInt(version, 10)) }

// versionIn is the version that If-Match names; without one, 428 (RFC 6585 section 3).
func versionIn(ifMatch string) (int64, error) {
	version, err := strconv.ParseInt(strings.Trim(ifMatch, `"`), 10, 64)
	if err != nil {
		return 0, huma.NewError(http.StatusPreconditionRequired, "say in If-Match on which version this was decided: the ETag of it as you read it")
	}
	return version, nil
}
