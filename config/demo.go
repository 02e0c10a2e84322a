package config

import (
	"embed"
	"io/fs"
)

//go:embed demo
var embedded embed.FS

// DemoCentre is the folder of the centre that a server without one begins with.
func DemoCentre() fs.FS {
	dir, err := fs.Sub(embedded, "demo/centre")
	if err != nil {
		return embedded // not reached: the name above is a valid one
	}
	return dir
}

// DemoServer is the firstline.yaml that stands for a missing one: a file to begin
// a server's own with.
func DemoServer() []byte {
	data, err := embedded.ReadFile("demo/firstline.yaml")
	if err != nil {
		return nil // not reached: the file is compiled in
	}
	return data
}
