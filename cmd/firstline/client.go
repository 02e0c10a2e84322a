package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// apiClient asks a running server.
type apiClient struct{ base, token string }

// apiCall is what the tools read of a call.
type apiCall struct {
	ID      string     `json:"id"`
	Ticket  string     `json:"ticket"`
	Queue   string     `json:"queue"`
	Agent   string     `json:"agent"`
	Outcome string     `json:"outcome"`
	Open    bool       `json:"open"`
	WaitMs  int64      `json:"wait_ms"`
	HoldMs  int64      `json:"hold_ms"`
	TalkMs  int64      `json:"talk_ms"`
	Path    []callStep `json:"path"`
	Arrived time.Time  `json:"arrived"`
	From    struct {
		Number string `json:"number"`
	} `json:"from"`
	Talks []json.RawMessage `json:"talks"`
}

// callFrom finds the newest call from a number that came in since.
func (c *apiClient) callFrom(ctx context.Context, number string, since time.Time) (apiCall, error) {
	var list struct {
		Calls []apiCall `json:"calls"`
	}
	if err := c.do(ctx, http.MethodGet, "/api/v1/calls?limit=100", &list); err != nil {
		return apiCall{}, err
	}
	for _, rec := range list.Calls {
		if rec.From.Number == number && rec.Arrived.After(since.Add(-time.Minute)) {
			return rec, nil
		}
	}
	return apiCall{}, fmt.Errorf("the API does not know a call from %s", number)
}

// do sends a request without a body and decodes the answer into v, when v is not nil.
func (c *apiClient) do(ctx context.Context, method, path string, v any) error {
	return c.send(ctx, method, path, nil, v)
}

// send is do with a body, which is sent as JSON when it is not nil.
func (c *apiClient) send(ctx context.Context, method, path string, body, v any) error {
	return c.sendIf(ctx, method, path, "", body, v)
}

// sendIf is send of a change that was made on a version; "" for none.
func (c *apiClient) sendIf(ctx context.Context, method, path, version string, body, v any) error {
	if c.base == "" || c.token == "" {
		return errors.New("no API address and token: give --api and --token, or --credentials with the demo's file")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	u, err := url.JoinPath(c.base)
	if err != nil {
		return fmt.Errorf("API address %q: %w", c.base, err)
	}
	var data io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		data = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(u, "/")+path, data)
	if err != nil {
		return fmt.Errorf("API address %q: %w", c.base, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if version != "" {
		req.Header.Set("If-Match", version)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		var problem struct{ Title, Detail string }
		_ = json.NewDecoder(resp.Body).Decode(&problem)
		return fmt.Errorf("the API answers %s %s %s", resp.Status, problem.Title, problem.Detail)
	}
	if v == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// readDemoCredentials reads the file that a demo server writes; nil when there is none.
func readDemoCredentials(file string) (*demoCredentials, error) {
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	c := &demoCredentials{}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// resolve turns host:port into an address.
func resolve(server string) (netip.AddrPort, error) {
	a, err := net.ResolveUDPAddr("udp", server)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("server %q is not host:port: %w", server, err)
	}
	ap := a.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

// localTowards is our own address on the way to a server; nothing is sent.
func localTowards(server netip.AddrPort) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}
