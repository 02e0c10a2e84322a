package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"firstline/config"
)

type healthCommand struct {
	Config string `short:"c" help:"Configuration file. Default: as for serve." type:"path"`
	Ready  bool   `help:"Ask whether it can take calls as it should (/readyz), not only whether it lives (/healthz)."`
}

func (healthCommand) Help() string {
	return `For the health check of a container, which has no other program to ask with. It
asks the server of the same configuration, on this machine.

Exit codes: 0 it is well, 1 it is not, or does not answer.`
}

// healthWithin is how long the server may take to answer.
const healthWithin = 3 * time.Second

func (c *healthCommand) Run(ctx context.Context, o *output) error {
	cfg, err := config.LoadServer(c.Config, os.Environ())
	if err != nil {
		return err
	}
	path := "/healthz"
	if c.Ready {
		path = "/readyz"
	}
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+onThisMachine(cfg.HTTP.Listen).String()+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	fmt.Fprintln(o.out, strings.TrimSpace(string(body)))
	return nil
}

// onThisMachine is where a listener on all addresses is reached.
func onThisMachine(a netip.AddrPort) netip.AddrPort {
	switch {
	case !a.Addr().IsUnspecified():
		return a
	case a.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
}
