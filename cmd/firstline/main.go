// Command firstline is the server behind a technical support line, and the tools
// that go with it: a check of its configuration, a test caller and a softphone.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // the container has no zones of its own

	"github.com/alecthomas/kong"
)

// Exit codes. Zero means that everything was as asked.
const (
	exitFailed = 1 // it did not work; one sentence on stderr says why
	exitUsage  = 2 // the command line is wrong
)

// command is the command line.
type command struct {
	Serve     serveCommand     `cmd:"" help:"Answer the phone: run the server."`
	Check     checkCommand     `cmd:"" help:"Find mistakes in the configuration and the centre's files, all at once."`
	Health    healthCommand    `cmd:"" help:"Ask a running server whether it is well."`
	Reload    reloadCommand    `cmd:"" help:"Have a running server read the centre's files again."`
	Call      callCommand      `cmd:"" help:"Phone in as a test caller, and report what was met."`
	Phone     phoneCommand     `cmd:"" help:"Be an agent's softphone without a head: register, answer, hold, listen."`
	Device    deviceCommand    `cmd:"" help:"Give a phone its password."`
	Load      loadCommand      `cmd:"" help:"Be many callers and many agents at once, and report what they met."`
	Spool     spoolCommand     `cmd:"" help:"Print what a spool holds: events that the database did not get."`
	Audit     auditCommand     `cmd:"" help:"Hold a running server's journal to the rules that it promises."`
	Roster    rosterCommand    `cmd:"" help:"Take people on and change them, and plan their hours, in a running server."`
	Blocks    blocksCommand    `cmd:"" help:"Who is kept out, in a running server."`
	Lost      lostCommand      `cmd:"" help:"Who left unserved and is to be called back, in a running server."`
	Articles  articlesCommand  `cmd:"" help:"What the desk knows, and at which level it solved tickets, in a running server."`
	Oncall    oncallCommand    `cmd:"" help:"Who is on call now, next, and at any time, in a running server."`
	Flow      flowCommand      `cmd:"" help:"Look at the flows of the centre."`
	Whatif    whatifCommand    `cmd:"" help:"Print where a call would go, and why."`
	Prompts   promptsCommand   `cmd:"" help:"Make or check the recorded prompts."`
	Simulate  simulateCommand  `cmd:"" help:"Simulate a day: service level, waits and occupancy beside Erlang C and A."`
	Replay    replayCommand    `cmd:"" help:"Run a recorded day through a changed centre, and print the difference."`
	Import    importCommand    `cmd:"" help:"Take over what others have: customers and companies, Asterisk's queues, and calls that it served meanwhile."`
	Export    exportCommand    `cmd:"" help:"Write what was recorded in the formats of others."`
	Endpoints endpointsCommand `cmd:"" help:"Who is told of tickets, in a running server."`
	Ticket    ticketCommand    `cmd:"" help:"List, search and change tickets, in a running server."`
	Report    reportCommand    `cmd:"" help:"What was promised to customers and what was kept, in a running server."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program without the process around it. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c command
	code := -1
	parser, err := kong.New(&c,
		kong.Name("firstline"),
		kong.Description("The server behind a technical support line."),
		kong.UsageOnError(), kong.Writers(stdout, stderr),
		kong.Exit(func(n int) { code = n }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&output{out: stdout, err: stderr}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "firstline:", err)
		return exitFailed
	}
	kctx, err := parser.Parse(args)
	if code >= 0 {
		return code // --help
	}
	if err != nil {
		fmt.Fprintf(stderr, "firstline: %v\nTry: firstline --help\n", err)
		return exitUsage
	}
	var told exitError
	switch err := kctx.Run(); {
	case err == nil:
		return 0
	case errors.As(err, &told):
		if told.err != nil {
			fmt.Fprintln(stderr, "firstline:", told.err)
		}
		return told.code
	default:
		fmt.Fprintln(stderr, "firstline:", err)
		return exitFailed
	}
}

// output is where a command writes.
type output struct{ out, err io.Writer }

// exitError carries an exit code that means something of its own.
type exitError struct {
	code int
	err  error // nil when the report has said it already
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

type versionCommand struct{}

func (versionCommand) Run(o *output) error {
	fmt.Fprintln(o.out, "firstline", version())
	return nil
}

// version is the module's version, or the commit that the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) > 12 {
			return s.Value[:12]
		}
	}
	return info.Main.Version
}
