//go:build (e2e || load) && race

package e2e

const raced = true // the server is built as the tests are
