//go:build go1.21

package versioner_test

import (
	"context"
	"errors"
	"testing"
)

type reason struct{}

func (reason) Error() string { return "the operator left" }

func TestTheCauseIsFound(t *testing.T) {
	url, arrivals := silent(t)
	tracker := client(t, url)
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		<-arrivals
		cancel(reason{})
	}()
	for _, when := range []string{"during the call", "before the call"} {
		_, err := tracker.TrackBuild(ctx, aBuild)
		var found reason
		if !errors.Is(err, context.Canceled) || !errors.Is(err, reason{}) || !errors.As(err, &found) {
			t.Errorf("%s: %T: %v", when, err, err)
		}
	}
}
