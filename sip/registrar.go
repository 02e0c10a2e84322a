package sip

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"

	"firstline/call"
)

const (
	maxContacts  = 16              // Contact values that one REGISTER may carry
	storeTimeout = 5 * time.Second // of one write
	storeRetry   = time.Second     // after a write that did not work
	longestAsk   = 1<<32 - 1       // seconds; RFC 3261 section 20.19
	defaultAsk   = 3600            // seconds, for a REGISTER that names no time or none that can be read
)

// Bindings keeps registered contacts over a restart.
type Bindings interface {
	// SaveBinding inserts or replaces the binding with the same device and contact.
	SaveBinding(ctx context.Context, b call.Binding) error
	// DeleteBinding removes it; one that is not there is no error.
	DeleteBinding(ctx context.Context, device call.DeviceID, contact string) error
	// Bindings lists all of them.
	Bindings(ctx context.Context) ([]call.Binding, error)
}

// RegistrarConfig is what a Registrar needs. The zero value of a time or count
// means its default.
type RegistrarConfig struct {
	Domain       string // host part of the address of record; empty accepts any
	Auth         *Authenticator
	Store        Bindings
	MinExpires   time.Duration // shorter asks get 423; default 60 s
	MaxExpires   time.Duration // longer asks are cut to it; default 3600 s
	MaxPerDevice int           // contacts of one device; default 5; the oldest goes first
	// OnChange is told when a device gains its first or loses its last contact that
	// is not known dead (see Config.Qualify), in the order in which it happens. It
	// must not block or call the Registrar.
	OnChange func(device call.DeviceID, reachable bool)
	// OnSeen is told whenever a device has proved to be there: it registered, again
	// or anew, or answered a ping. The same holds for it as for OnChange.
	OnSeen func(device call.DeviceID)
	Log    *zap.Logger // default: silent
}

// Registrar keeps who can be reached where (RFC 3261 section 10.3). Memory is
// what counts while the program lives; Run writes changes to the store behind
// it and tries again for as long as the store is away. A binding's Source is the
// flow to reach the phone by: the host in its Contact is only what it claims.
type Registrar struct {
	cfg  RegistrarConfig
	wake chan struct{} // holds one: something changed for Run

	mu      sync.Mutex // guards the rest
	devices map[call.DeviceID][]contact
	unsaved map[bindingKey]struct{}
}

// contact is a binding, when it was last refreshed, and how it answers since.
type contact struct {
	call.Binding
	at     time.Time
	misses int // pings in a row without a response, up to deadAfter
}

type bindingKey struct {
	device  call.DeviceID
	contact string
}

// NewRegistrar returns a Registrar without bindings; see Restore and Run.
func NewRegistrar(cfg RegistrarConfig) *Registrar {
	cfg.MinExpires = cmp.Or(cfg.MinExpires, time.Minute)
	cfg.MaxExpires = cmp.Or(cfg.MaxExpires, time.Hour)
	cfg.MaxPerDevice = cmp.Or(cfg.MaxPerDevice, 5)
	if cfg.OnChange == nil {
		cfg.OnChange = func(call.DeviceID, bool) {}
	}
	if cfg.OnSeen == nil {
		cfg.OnSeen = func(call.DeviceID) {}
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	return &Registrar{
		cfg: cfg, wake: make(chan struct{}, 1),
		devices: make(map[call.DeviceID][]contact), unsaved: make(map[bindingKey]struct{}),
	}
}

// Handle answers one REGISTER.
func (r *Registrar) Handle(ctx context.Context, req *sip.Request, tx sip.ServerTransaction) {
	if err := tx.Respond(r.register(ctx, req)); err != nil {
		r.cfg.Log.Info("sip register not answered", zap.Error(err))
	}
}

// register is the whole of RFC 3261 section 10.3 but for the sending.
func (r *Registrar) register(ctx context.Context, req *sip.Request) *sip.Response {
	user, rej := r.cfg.Auth.Check(ctx, req)
	if rej != nil {
		return rej.response(req)
	}
	to := req.To().Address
	switch {
	case to.Scheme != "sip" && to.Scheme != "sips":
		return badRequest("To is no SIP URI").response(req)
	case r.cfg.Domain != "" && !strings.EqualFold(to.Host, r.cfg.Domain):
		return (&reject{Status: sip.StatusNotFound, Reason: phrase(sip.StatusNotFound)}).response(req)
	case unescape(to.User) != user:
		return (&reject{Status: sip.StatusForbidden, Reason: phrase(sip.StatusForbidden)}).response(req)
	}
	asks, rej := r.asks(req)
	if rej != nil {
		return rej.response(req)
	}
	bound, rej := r.apply(call.DeviceID(user), req, asks)
	if rej != nil {
		return rej.response(req)
	}
	return listing(req, bound)
}

// ask is one Contact of a REGISTER. A zero expires removes it.
type ask struct {
	contact string
	all     bool // the * that removes everything
	expires time.Duration
}

// asks reads the Contacts of a REGISTER (RFC 3261 section 10.3 steps 6 and 7).
func (r *Registrar) asks(req *sip.Request) ([]ask, *reject) {
	contacts := req.GetHeaders("contact")
	if len(contacts) > maxContacts {
		return nil, badRequest("too many Contacts")
	}
	var general string
	if h := req.GetHeader("expires"); h != nil {
		general = h.Value()
	}
	var asks []ask
	for _, h := range contacts {
		c, ok := h.(*sip.ContactHeader)
		if !ok {
			return nil, badRequest("Contact")
		}
		if c.Address.Wildcard {
			if len(contacts) != 1 || strings.TrimSpace(general) != "0" {
				return nil, badRequest("Contact * goes alone and with Expires: 0")
			}
			return []ask{{all: true}}, nil
		}
		uri, rej := bindable(&c.Address)
		if rej != nil {
			return nil, rej
		}
		seconds := general
		if v, ok := param(c.Params, "expires"); ok {
			seconds = v
		}
		d := time.Duration(askedSeconds(seconds)) * time.Second
		if d > 0 && d < r.cfg.MinExpires {
			return nil, &reject{Status: sip.StatusIntervalToBrief, Reason: "Interval Too Brief", Headers: []sip.Header{
				sip.NewHeader("Min-Expires", strconv.Itoa(int(r.cfg.MinExpires/time.Second))),
			}}
		}
		asks = append(asks, ask{contact: uri, expires: min(d, r.cfg.MaxExpires)})
	}
	return asks, nil
}

// bindable is the URI to keep. One that carries header fields is refused: they
// would go into every request that we send there (RFC 4475 section 3.3.14
// would take them along, which lets a phone write our Route).
func bindable(u *sip.Uri) (string, *reject) {
	if u.Scheme != "sip" && u.Scheme != "sips" {
		return "", badRequest("Contact is no SIP URI")
	}
	if u.Headers.Length() > 0 {
		return "", badRequest("header fields in a Contact")
	}
	uri := u.Clone()
	uri.Host = strings.ToLower(uri.Host) // hosts compare without case (RFC 3261 section 19.1.4)
	s := uri.String()
	if len(s) > maxURIBytes/2 {
		return "", badRequest("Contact is too long")
	}
	return s, nil
}

// askedSeconds reads delta-seconds; what cannot be read means an hour (RFC 3261 section 10.2.1.1).
func askedSeconds(s string) int64 {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return defaultAsk
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > longestAsk {
		return longestAsk
	}
	return n
}

// apply changes the device's bindings as asked, all or nothing, and returns
// what is bound then.
func (r *Registrar) apply(device call.DeviceID, req *sip.Request, asks []ask) ([]contact, *reject) {
	now := time.Now()
	template := call.Binding{
		Device: device, Source: req.Source(), Transport: strings.ToLower(req.Transport()),
		CallID: req.CallID().Value(), CSeq: req.CSeq().SeqNo,
	}
	if h := req.GetHeader("user-agent"); h != nil {
		template.UserAgent = call.CleanText(h.Value(), maxPartyRunes)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.devices[device]
	bound := live(before, now)
	if len(asks) == 1 && asks[0].all {
		asks = removeAll(bound)
	}
	for _, a := range asks {
		i := slices.IndexFunc(bound, func(c contact) bool { return c.Contact == a.contact })
		if i >= 0 && bound[i].CallID == template.CallID && bound[i].CSeq >= template.CSeq {
			return nil, badRequest("CSeq is not above the last one")
		}
		if i >= 0 {
			bound = slices.Delete(bound, i, i+1)
		}
		if a.expires > 0 {
			b := template
			b.Contact, b.Expires = a.contact, now.Add(a.expires).UTC().Round(0)
			bound = append(bound, contact{Binding: b, at: now})
		}
	}
	if over := len(bound) - r.cfg.MaxPerDevice; over > 0 { // a phone that forgets its old contacts must not lock itself out
		slices.SortStableFunc(bound, byAge)
		bound = slices.Delete(bound, 0, over)
	}
	r.replace(device, before, bound)
	if slices.ContainsFunc(asks, func(a ask) bool { return a.expires > 0 }) {
		r.cfg.OnSeen(device)
	}
	return slices.Clone(bound), nil
}

func removeAll(bound []contact) []ask {
	var asks []ask
	for _, c := range bound {
		asks = append(asks, ask{contact: c.Contact})
	}
	return asks
}

func byAge(a, b contact) int { return a.at.Compare(b.at) }

// live copies the contacts that have not expired.
func live(cs []contact, now time.Time) []contact {
	var out []contact
	for _, c := range cs {
		if now.Before(c.Expires) {
			out = append(out, c)
		}
	}
	return out
}

// replace puts bound in the place of before, marks every difference for the
// store, and tells of a change of reachability. The caller holds mu.
func (r *Registrar) replace(device call.DeviceID, before, bound []contact) {
	marked := len(r.unsaved)
	for _, c := range before {
		if !slices.Contains(bound, c) {
			r.unsaved[bindingKey{device, c.Contact}] = struct{}{}
		}
	}
	for _, c := range bound {
		if !slices.Contains(before, c) {
			r.unsaved[bindingKey{device, c.Contact}] = struct{}{}
		}
	}
	if len(bound) == 0 {
		delete(r.devices, device)
	} else {
		r.devices[device] = bound
	}
	r.tell(device, anyAlive(before), anyAlive(bound))
	if len(r.unsaved) != marked || len(bound) > 0 {
		r.nudge()
	}
}

// tell reports a change of reachability, if it is one. The caller holds mu, so
// that what is told comes in the order in which it happened.
func (r *Registrar) tell(device call.DeviceID, before, now bool) {
	if before == now {
		return
	}
	r.cfg.Log.Info("sip device", zap.String("device", string(device)), zap.Bool("reachable", now))
	r.cfg.OnChange(device, now)
}

func (r *Registrar) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// listing is the 200 with every binding and the time that it has left (RFC 3261
// section 10.3 step 8).
func listing(req *sip.Request, bound []contact) *sip.Response {
	res := sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil)
	now := time.Now()
	for _, c := range bound {
		left := (c.Expires.Sub(now) + time.Second - 1) / time.Second
		res.AppendHeader(sip.NewHeader("Contact", fmt.Sprintf("<%s>;expires=%d", c.Contact, left)))
	}
	return res
}

// Contacts are the unexpired bindings of a device, the freshest first, whether
// they answer or not.
func (r *Registrar) Contacts(device call.DeviceID) []call.Binding {
	bound := r.contacts(device)
	out := make([]call.Binding, len(bound))
	for i, c := range bound {
		out[i] = c.Binding
	}
	return out
}

// Contact is the address of a device's freshest binding that answers.
func (r *Registrar) Contact(device call.DeviceID) (uri string, ok bool) {
	if all := r.Contacts(device); len(all) > 0 && r.Reachable(device) {
		return all[0].Contact, true
	}
	return "", false
}

func (r *Registrar) contacts(device call.DeviceID) []contact {
	r.mu.Lock()
	bound := live(r.devices[device], time.Now())
	r.mu.Unlock()
	slices.SortStableFunc(bound, func(a, b contact) int { return byAge(b, a) })
	return bound
}

// Restore reads the bindings that survived a restart. Call it before Handle;
// OnChange hears of every device that can be reached.
func (r *Registrar) Restore(ctx context.Context) error {
	stored, err := r.cfg.Store.Bindings(ctx)
	if err != nil {
		return fmt.Errorf("sip: read bindings: %w", err)
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range stored {
		if !now.Before(b.Expires) {
			r.unsaved[bindingKey{b.Device, b.Contact}] = struct{}{}
			continue
		}
		if r.devices[b.Device] == nil {
			r.cfg.OnChange(b.Device, true)
		}
		r.devices[b.Device] = append(r.devices[b.Device], contact{Binding: b})
	}
	r.nudge()
	return nil
}

// Run drops bindings as they expire and writes changes to the store, until ctx
// ends; what is unsaved then gets one more try.
func (r *Registrar) Run(ctx context.Context) error {
	for {
		next := r.expire(time.Now())
		if !r.save(ctx) {
			next = min(next, storeRetry)
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			r.expire(time.Now())
			r.save(context.WithoutCancel(ctx))
			return nil
		case <-r.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// expire drops what is over and returns the time to the next end.
func (r *Registrar) expire(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.cfg.MaxExpires
	for device, before := range r.devices {
		bound := live(before, now)
		if len(bound) != len(before) {
			r.replace(device, before, bound)
		}
		for _, c := range bound {
			next = min(next, c.Expires.Sub(now))
		}
	}
	return next
}

// save writes what changed; false when something is left for later.
func (r *Registrar) save(ctx context.Context) bool {
	r.mu.Lock()
	todo := make(map[bindingKey]*call.Binding, len(r.unsaved))
	for key := range r.unsaved {
		todo[key] = nil
		for _, c := range r.devices[key.device] {
			if c.Contact == key.contact {
				todo[key] = &c.Binding
			}
		}
	}
	clear(r.unsaved)
	r.mu.Unlock()
	for key, b := range todo {
		if err := r.write(ctx, key, b); err != nil {
			if ctx.Err() == nil { // else Run is ending, and saves once more
				r.cfg.Log.Error("sip binding not saved", zap.String("device", string(key.device)), zap.Error(err))
			}
			r.putBack(todo)
			return false
		}
		delete(todo, key)
	}
	return true
}

func (r *Registrar) write(ctx context.Context, key bindingKey, b *call.Binding) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if b == nil {
		return r.cfg.Store.DeleteBinding(ctx, key.device, key.contact)
	}
	return r.cfg.Store.SaveBinding(ctx, *b)
}

func (r *Registrar) putBack(todo map[bindingKey]*call.Binding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range todo {
		r.unsaved[key] = struct{}{}
	}
}

// param finds a parameter whatever its case and the blanks that sipgo leaves around it.
func param(ps sip.HeaderParams, name string) (string, bool) {
	for _, p := range ps {
		if strings.EqualFold(strings.TrimSpace(p.K), name) {
			return strings.TrimSpace(p.V), true
		}
	}
	return "", false
}

// unescape undoes % escapes of a user part; one that is cut off is left as it is.
func unescape(s string) string {
	if !strings.Contains(s, "%") || !validEscapes(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8) // validEscapes looked
			b.WriteByte(byte(n))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
