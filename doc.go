// Package firstline is the root of the module: a server for a technical support
// line, from the ringing call to the report. It holds no code, only the test that
// keeps the import rule; the program is in cmd/firstline.
package firstline
