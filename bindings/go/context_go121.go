//go:build cgo && go1.21

package versioner

import "context"

func causeOf(ctx context.Context) error { return context.Cause(ctx) }

// withCancel is a context that the function ends, with a cause.
func withCancel(ctx context.Context) (context.Context, func(error)) {
	return context.WithCancelCause(ctx)
}

// afterFunc calls end once ctx ends; stop tells whether it never will.
func afterFunc(ctx context.Context, end func()) (stop func() bool) {
	return context.AfterFunc(ctx, end)
}
