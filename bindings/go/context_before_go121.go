//go:build cgo && !go1.21

package versioner

import "context"

func causeOf(ctx context.Context) error { return ctx.Err() }

// withCancel is a context that the function ends; it has no place for the cause.
func withCancel(ctx context.Context) (context.Context, func(error)) {
	inside, cancel := context.WithCancel(ctx)
	return inside, func(error) { cancel() }
}

// afterFunc calls end once ctx ends; stop tells whether it never will.
func afterFunc(ctx context.Context, end func()) (stop func() bool) {
	stopped, willNot := make(chan struct{}), make(chan bool, 1)
	go func() {
		select {
		case <-ctx.Done():
			willNot <- false
			end()
		case <-stopped:
			willNot <- true
		}
	}()
	return func() bool {
		close(stopped)
		return <-willNot
	}
}
