package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/roster"
	"firstline/config"
	"firstline/intake"
	"firstline/intake/alert"
	"firstline/intake/block"
	"firstline/intake/feature"
	"firstline/intake/incident"
	"firstline/intake/limp"
	"firstline/intake/lost"
	"firstline/intake/spoken"
	"firstline/ivr/prompts"
	"firstline/recordings"
	"firstline/sip"
	"firstline/sip/ari"
	"firstline/sip/media"
	"firstline/store"
	"firstline/tickets"
	"firstline/tickets/connect"
	"firstline/tickets/customers"
	"firstline/tickets/knowledge"
	"firstline/tickets/oncall"
	"firstline/tickets/watch"
	"firstline/web"
)

type serveCommand struct {
	Config string `short:"c" help:"Configuration file. Default: firstline.yaml here, else the built-in demo on loopback." type:"path"`
}

func (serveCommand) Help() string {
	return `Every key of the file can be replaced by an environment variable
(FIRSTLINE_SIP_LISTEN, FIRSTLINE_HTTP_LISTEN, FIRSTLINE_DATABASE, …), and secrets
by a file that a variable …_FILE names. Port 0 means any free one.

SIGHUP reads the centre's files again, SIGTERM ends all calls and stops.

With standby: true it waits while another firstline owns the PostgreSQL database,
and takes over when that one is gone.`
}

func (c *serveCommand) Run(ctx context.Context, o *output) error {
	cfg, err := config.LoadServer(c.Config, os.Environ())
	if err != nil {
		return err
	}
	log, err := newLog(cfg.Log)
	if err != nil {
		return err
	}
	defer func() { _ = log.Sync() }()
	life := newLife(ctx, log)
	s := &server{cfg: cfg, log: log, life: life, out: o}
	hup := make(chan os.Signal, 1) // before the start, which may wait for long: a standby is not killed by it
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	if err := s.open(life.ctx); err != nil {
		return life.endAfter(err)
	}
	s.greet(o)
	for {
		select {
		case <-hup:
			if _, err := s.reload(life.ctx, "signal"); err != nil {
				log.Error("centre not reloaded", zap.Error(err))
			}
		case <-life.ctx.Done():
			log.Info("stopping")
			return life.end()
		}
	}
}

// boardReach is how far back the board's figures go: the longest local day, and
// the calls that were up when it began.
const boardReach = 38 * time.Hour

// server is the parts of a running firstline.
type server struct {
	cfg  *config.Server
	log  *zap.Logger
	life *life
	out  *output

	standby      *standby // nil when this server does not stand by
	sounds       sounds
	centre       *centreHolder
	store        *store.Store
	journal      *store.Journal
	media        *media.Engine
	sip          *sip.Server
	exchange     exchange
	asterisk     atomic.Pointer[ari.FrontEnd]    // that of exchange, for fence
	soundFiles   http.Handler                    // for nodes that fetch prompts; nil: none does
	publishSound func(call.Media, []int16) error // to the nodes; nil: there are none
	phones       phones
	registrar    *sip.Registrar
	queue        *callqueue.Dispatcher
	roster       *roster.Roster
	features     *feature.Handler
	recordings   *recordings.Catalogue
	lost         *lost.List
	blocks       *block.List
	incidents    *incident.List
	onCall       *oncall.Desk
	articles     *knowledge.List
	pager        *intake.Pager
	tickets      *tickets.Desk // the one, so that edits come one after the other
	endpoints    *connect.List
	alerts       *alert.Desk
	deliveries   *connect.Engine
	spoken       *spoken.List
	spokenSounds spokenSounds
	directory    *customers.Directory
	promises     *watch.Watch
	desk         *intake.Desk
	limp         *limp.Desk
	lately       *lately
	flows        *flowCounts
	web          *web.Server
	demo         *demoCredentials
	boot         string
	seed         uint64 // of the queues' draws
	boardFrom    int64  // the board needs no event up to this one
}

// open starts all parts, in the order in which they need each other.
func (s *server) open(ctx context.Context) error {
	s.boot, s.seed = call.NewUUID(time.Now()), rand.Uint64()
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"centre", s.openCentre},
		{"standby", s.openStandby},
		{"store", s.openStore},
		{"agents", s.seedRoster},
		{"sip", s.openSIP},
		{"asterisk", s.openAsterisk},
		{"queues", s.openQueues},
		{"roster", s.openRoster},
		{"recordings", s.openRecordings},
		{"callers", s.openCare},
		{"spoken prompts", s.openSpoken},
		{"customers", s.openDirectory},
		{"promises", s.openPromises},
		{"desk", s.openDesk},
		{"callbacks", s.openCallbacks},
		{"hours", s.openHours},
		{"on call", s.openOnCall},
		{"articles", s.openArticles},
		{"limp mode", s.openLimp},
		{"endpoints", s.openEndpoints},
		{"alerts", s.openAlerts},
		{"web", s.openWeb},
		{"deliveries", s.deliver},
		{"calls", s.takeCalls},
	}
	for _, step := range steps {
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) openCentre(context.Context) error {
	var err error
	if s.sounds, err = loadSounds(prompts.Languages()...); err != nil {
		return err
	}
	c, err := s.loadCentre()
	if err != nil {
		return err
	}
	s.centre = newCentreHolder(c)
	return nil
}

func (s *server) openStore(ctx context.Context) error {
	if err := os.MkdirAll(s.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	cfg := store.Config{Database: s.cfg.Database, DataDir: s.cfg.DataDir, Standby: s.cfg.Standby.Wait, Stale: s.cfg.Standby.Stale}
	cfg.Lost = s.fence
	if s.standby != nil {
		cfg.Watched = s.standby.watched
	}
	st, err := store.Open(ctx, cfg, s.log.Named("store"))
	if err != nil {
		return err
	}
	s.store, s.journal = st, st.Journal()
	s.life.onEnd("store", st.Close)
	s.life.start("store", st.Run)
	s.takenOver()
	c := s.centre.now()
	if err := s.keepCentre(ctx, c); err != nil {
		return err
	}
	if s.boardFrom, err = st.Behind(ctx, time.Now().Add(-boardReach)); err != nil {
		return err
	}
	s.journal.SetConfig(c.Hash)
	now := time.Now()
	err = s.journal.Append(ctx,
		call.SystemEvent(now, call.Started{Boot: s.boot, Version: version(), Seed: s.seed}),
		call.SystemEvent(now, call.ConfigActivated{Hash: c.Hash, By: "start"}))
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	s.life.onEnd("journal", s.sayStopped)
	return nil
}

// sayStopped journals that this process ends as it was asked to.
func (s *server) sayStopped() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.journal.Append(ctx, call.SystemEvent(time.Now(), call.Stopped{Boot: s.boot, Reason: "asked to"}))
	if errors.Is(err, call.ErrHandedOver) || errors.Is(err, store.ErrOwned) {
		return nil // said already, or the journal is another's, as the store says itself
	}
	return err
}

// openSIP binds the sockets; calls are taken at the very end.
func (s *server) openSIP(ctx context.Context) error {
	engine, err := media.New(media.Config{
		IP: s.cfg.SIP.RTP.Address, PortMin: uint16(s.cfg.SIP.RTP.First), PortMax: uint16(s.cfg.SIP.RTP.Last),
		MediaTimeout: 10 * time.Second, FirstTimeout: 5 * time.Minute, Unanswered: 5 * time.Second,
	}, s.log.Named("media"))
	if err != nil {
		return err
	}
	s.media = engine
	s.life.start("media", engine.Run)
	auth := sip.NewAuthenticator(s.cfg.SIP.Domain, credentials{s.store.Devices()}, s.log.Named("digest"))
	s.registrar = sip.NewRegistrar(sip.RegistrarConfig{
		Auth: auth, Store: s.store.Devices(), Log: s.log.Named("registrar"), MinExpires: 10 * time.Second,
		OnChange: s.tellHere,
		OnSeen:   s.tellSeen,
	})
	cfg, err := s.sipConfig()
	if err != nil {
		return err
	}
	cfg.Media, cfg.Auth, cfg.Registrar = engine, auth, s.registrar
	s.sip, err = sip.New(cfg)
	if err != nil {
		return err
	}
	return nil
}

func (s *server) openQueues(ctx context.Context) error {
	s.queue = callqueue.New(callqueue.Config{
		Switch: s.exchange, Journal: s.journal, Log: s.log.Named("queue"), Seed: s.seed, Ask: askToPress(),
	})
	s.life.start("queue", s.queue.Run)
	if err := s.queue.SetQueues(ctx, s.centre.now().Queues); err != nil {
		return err
	}
	if err := s.queue.SetRules(ctx, s.centre.now().Rules); err != nil {
		return err
	}
	if err := s.seatAgents(ctx); err != nil {
		return err
	}
	if err := s.registrar.Restore(ctx); err != nil {
		return fmt.Errorf("registrations: %w", err)
	}
	people, err := s.store.Agents(ctx)
	if err != nil {
		return err
	}
	for _, p := range people {
		if _, number := p.Device.Number(); p.Device != "" && !number {
			s.tellReachable(p.Device)
		}
	}
	s.life.start("registrar", s.registrar.Run)
	return nil
}

func (s *server) openRecordings(context.Context) error {
	cat, err := recordings.New(recordings.Config{
		Dir: s.cfg.Recordings.Dir, Journal: s.journal, Rows: s.store,
		Repair: func(path string) (time.Duration, int64, error) {
			r, err := media.Repair(path)
			return r.Duration, r.Bytes, err
		},
	}, s.log.Named("recordings"))
	if err != nil {
		return err
	}
	s.recordings = cat
	s.life.onEnd("recordings", cat.Close)
	s.life.start("recordings", cat.Run)
	return nil
}

// openDesk makes the journey, and takes up or closes what the last process left.
func (s *server) openDesk(ctx context.Context) error {
	s.lately = newLately(s.journal, s.boardFrom, s.centre.callerOf)
	s.life.start("lately", s.lately.run)
	s.flows = newFlowCounts(s.journal, s.boardFrom, s.centre.Zone)
	s.life.start("flow counts", s.flows.run)
	if err := s.openTickets(ctx); err != nil {
		return err
	}
	s.desk = intake.New(intake.Config{
		Forecast: s.lately, Callers: s.lately, MayCall: s.exchange.Dials, LevelOf: s.levelOf, Playable: s.playable,
		Journal: s.journal, Switch: s.exchange, Queue: s.queue, Recordings: s.recordings, Log: s.log.Named("desk"),
		Tickets: s.tickets, Problems: s.tickets, Customers: s.directory, Lost: s.lost, Blocks: s.blocks, Incidents: s.incidents, Version: s.version, Lookups: &askers{s: s},
	}, forDesk(s.centre.now(), s.sounds))
	s.life.onEnd("desk", func() error { s.desk.Close(); return nil })
	open, err := s.store.OpenCalls(ctx)
	if err != nil {
		return err
	}
	if err := s.restoreOutside(ctx); err != nil {
		return err
	}
	did, err := s.desk.Restore(ctx, open, s.store.LastAlive())
	if err != nil {
		return err
	}
	if did.Adopted+did.Closed+did.Swept > 0 {
		s.log.Warn("the last process did not end its calls", zap.Int("adopted", did.Adopted), zap.Int("closed", did.Closed), zap.Int("swept", did.Swept))
	}
	return s.recoverRecordings(ctx, did.Recordings)
}

func (s *server) openWeb(ctx context.Context) error {
	seed, err := s.boardSeed(ctx)
	if err != nil {
		return err
	}
	cfg := s.webConfig(seed)
	if cfg.Listener, err = s.port(); err != nil {
		return err
	}
	w, err := web.New(cfg)
	if err != nil {
		return err
	}
	s.web = w
	if s.demo != nil {
		s.fillDemo()
		if err := s.demo.save(s.cfg.DataDir); err != nil {
			return err
		}
	}
	s.life.start("sign-ins", s.expireSignIns)
	s.life.start("web", w.Run)
	return nil
}

// expireSignIns forgets sessions that are over.
func (s *server) expireSignIns(ctx context.Context) error {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		select {
		case now := <-hourly.C:
			if err := s.store.SignIns().Expire(ctx, now); err != nil {
				s.log.Warn("sign-ins not tidied", zap.Error(err))
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// takeCalls is last: nothing rings before everything is there to answer.
func (s *server) takeCalls(context.Context) error {
	s.features = s.featureCodes()
	s.takeAsteriskCalls()
	s.life.start("sip", func(ctx context.Context) error { return s.sip.Run(ctx, s.features) })
	return nil
}

// greet prints where to look, and the secrets of the demo.
func (s *server) greet(o *output) {
	out := o.out
	fmt.Fprintln(out, "firstline is up.")
	for _, a := range s.sip.Addrs() {
		fmt.Fprintf(out, "  SIP    %s %s\n", a.Network(), a)
	}
	fmt.Fprintf(out, "  board  %s\n", s.web.URL())
	fmt.Fprintf(out, "  sign in once, within %v:\n         %s\n", s.cfg.SignIn.Link, s.web.SignInLink())
	if s.demo == nil {
		return
	}
	fmt.Fprintln(out, "  The demo centre: phone in on 1000 (menu) or 1009 (straight to the service desk).")
	fmt.Fprintf(out, "  Agents' softphones, registrar %s, realm %s:\n", s.demo.SIP, s.demo.Realm)
	for _, user := range s.demo.users() {
		fmt.Fprintf(out, "         user %s  password %s\n", user, s.demo.Devices[user])
	}
	fmt.Fprintf(out, "  API token  %s\n", s.demo.APIToken)
	fmt.Fprintf(out, "  All of it is in %s. Try, in two more terminals:\n", filepath.Join(s.cfg.DataDir, demoCredentialsFile))
	fmt.Fprintln(out, "         bin/firstline phone --user 2001")
	fmt.Fprintln(out, "         bin/firstline call 1000 --press 1")
}
