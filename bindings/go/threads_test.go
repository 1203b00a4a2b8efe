package versioner_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	versioner "github.com/versioner-io/versioner-go"
)

func TestWaitingCallsDoNotPileUpOnThreads(t *testing.T) {
	const limit, calls = 8, 300
	url, arrivals := silent(t)
	tracker := client(t, url, versioner.WithConcurrency(limit))
	before := threads(t)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for index := 0; index < calls; index++ {
		group.Add(1)
		go func() {
			defer group.Done()
			_, _ = tracker.TrackBuild(ctx, aBuild)
		}()
	}
	for index := 0; index < limit; index++ {
		<-arrivals
	}
	// Each call in progress has a thread, and had one that connected; the runtime has a few.
	if grown := threads(t) - before; grown > 3*limit+10 {
		t.Errorf("%d calls in progress have %d threads", limit, grown)
	}
	cancel()
	group.Wait()
}

func threads(t *testing.T) int {
	tasks, err := filepath.Glob("/proc/self/task/*")
	check(t, err)
	return len(tasks)
}
