package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
)

type deviceIn struct {
	User call.DeviceID `path:"id" maxLength:"64" pattern:"^[0-9A-Za-z][0-9A-Za-z._-]*$" doc:"the phone's SIP user"`
	Body struct {
		Password string `json:"password" minLength:"8" maxLength:"128" doc:"kept as a hash only"`
	}
}

func (s *Server) deviceRoutes(api huma.API) {
	register(s, api, operation(http.MethodPut, "/devices/{id}", "set-device", "Let a phone register with a password, or change it", Admin, 503), s.setDevice)
}

func (s *Server) setDevice(ctx context.Context, in *deviceIn) (*struct{}, error) {
	return nil, s.cfg.Devices.SetPassword(ctx, in.User, in.Body.Password)
}
