package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Fallback takes in calls that Asterisk's dialplan served while this server was away.
type Fallback interface {
	// ImportQueueLog makes calls and tickets of what a node's queue_log tells, each
	// once, however often it is imported.
	ImportQueueLog(ctx context.Context, node, log string) (QueueLogImport, error)
}

// maxQueueLog is for some hundred thousand lines.
const maxQueueLog = 32 << 20

// mostLineFaults is how many lines of a log are complained of one by one.
const mostLineFaults = 20

type queueLogIn struct {
	Body struct {
		Node string `json:"node" minLength:"1" maxLength:"100" doc:"the Asterisk that wrote the log, for people"`
		Log  string `json:"log" doc:"lines of queue_log"`
	}
}

// QueueLogImport says what became of a log.
type QueueLogImport struct {
	Imported int      `json:"imported" doc:"calls that were made, each with its ticket"`
	Known    int      `json:"known" doc:"calls that were there already"`
	Open     int      `json:"open" doc:"calls that are not over by what the log says: import it again later"`
	Faulty   int      `json:"faulty" doc:"lines that are none of a queue_log; they were passed over"`
	Faults   []string `json:"faults" doc:"the first of them, and what is wrong"`
}

type queueLogOut struct{ Body QueueLogImport }

func (s *Server) fallbackRoutes(api huma.API) {
	op := operation(http.MethodPost, "/queue-log", "import-queue-log", "Import the calls that Asterisk served while firstline was away", Admin, 422, 503)
	op.Description += " Calls of the queue firstline-fallback, and of queues that are called as one of the centre's, become calls with tickets at the times of the log."
	op.MaxBodyBytes = maxQueueLog
	register(s, api, op, s.importQueueLog)
}

func (s *Server) importQueueLog(ctx context.Context, in *queueLogIn) (*queueLogOut, error) {
	did, err := s.cfg.Fallback.ImportQueueLog(ctx, in.Body.Node, in.Body.Log)
	if err != nil {
		return nil, err
	}
	if len(did.Faults) > mostLineFaults {
		did.Faults = did.Faults[:mostLineFaults]
	}
	return &queueLogOut{Body: did}, nil
}
