//go:build (e2e || load) && !race

package e2e

const raced = false
