// A registry with the referrers API by other hands than ours: go-containerregistry's, in memory, on the address given.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	quiet := log.New(os.Stderr, "", 0)
	handler := registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(nothing{}, "", 0)))
	quiet.Fatal(http.ListenAndServe(os.Args[1], handler))
}

type nothing struct{}

func (nothing) Write(bytes []byte) (int, error) { return len(bytes), nil }
