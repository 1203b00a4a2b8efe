package versioner_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	versioner "github.com/versioner-io/versioner-go"
)

func TestContextEndsACall(t *testing.T) {
	url, arrivals := silent(t)
	tracker := client(t, url)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-arrivals
		cancel()
	}()
	_, err := tracker.TrackBuild(ctx, aBuild)
	var interrupted *versioner.InterruptedError
	if !errors.As(err, &interrupted) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%T: %v", err, err)
	}
	_, err = tracker.TrackBuild(ctx, aBuild)
	if !errors.As(err, &interrupted) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%T: %v", err, err)
	}
	past, stop := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer stop()
	if _, err = tracker.TrackBuild(past, aBuild); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%T: %v", err, err)
	}
	var none context.Context
	var argument *versioner.ArgumentError
	if _, err = tracker.TrackBuild(none, aBuild); !errors.As(err, &argument) {
		t.Fatalf("%T: %v", err, err)
	}
}

// A call whose turn has not come heeds its context, and Close.
func TestWaitingForATurn(t *testing.T) {
	url, arrivals := silent(t)
	tracker := client(t, url, versioner.WithConcurrency(1))
	first := make(chan error)
	go func() {
		_, err := tracker.TrackBuild(context.Background(), aBuild)
		first <- err
	}()
	<-arrivals
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := tracker.TrackBuild(ctx, aBuild); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	second := make(chan error)
	go func() {
		_, err := tracker.TrackBuild(context.Background(), aBuild)
		second <- err
	}()
	check(t, tracker.Close())
	for _, ended := range []error{<-first, <-second} {
		if !errors.Is(ended, versioner.ErrClosed) {
			t.Errorf("%v", ended)
		}
	}
}

func TestCloseEndsCallsAndRefusesNewOnes(t *testing.T) {
	url, arrivals := silent(t)
	tracker := client(t, url)
	const calls = 4
	ended := make(chan error, calls)
	for index := 0; index < calls; index++ {
		go func() {
			_, err := tracker.TrackBuild(context.Background(), aBuild)
			ended <- err
		}()
	}
	for index := 0; index < calls; index++ {
		<-arrivals
	}
	var closers sync.WaitGroup
	for index := 0; index < 3; index++ {
		closers.Add(1)
		go func() {
			defer closers.Done()
			_ = tracker.Close()
		}()
	}
	for index := 0; index < calls; index++ {
		err := <-ended
		var interrupted *versioner.InterruptedError
		if !errors.As(err, &interrupted) || !errors.Is(err, versioner.ErrClosed) {
			t.Errorf("%T: %v", err, err)
		}
	}
	closers.Wait()
	for _, unusable := range []*versioner.Client{tracker, {}, nil} {
		_, err := unusable.TrackBuild(context.Background(), aBuild)
		var failed *versioner.Error
		if !errors.Is(err, versioner.ErrClosed) || !errors.As(err, &failed) {
			t.Errorf("%T: %v", err, err)
		}
		check(t, unusable.Close())
	}
}

// Close is not put off by calls that begin one after the other, nor do these ignore it.
func TestCloseAmongCalls(t *testing.T) {
	tracker := client(t, answering(t))
	var group sync.WaitGroup
	begun := make(chan struct{}, 1000)
	for index := 0; index < 8; index++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				_, err := tracker.TrackBuild(context.Background(), aBuild)
				if errors.Is(err, versioner.ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("%T: %v", err, err)
					return
				}
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		}()
	}
	for index := 0; index < 20; index++ {
		<-begun
	}
	check(t, tracker.Close())
	group.Wait()
}
