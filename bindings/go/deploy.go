//go:build cgo

package versioner

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// hourly is how often a span without a lease is renewed.
const hourly = time.Hour

// EndError is that a deployment or build succeeded, but that this could not be recorded: the service
// could not be reached, or refused to record it. It took place: do not repeat it for this, and do not
// roll it back. [errors.As] finds the [*Error] with the Result of the telling, and never a
// [*RejectedError], because there is nothing left to forbid.
type EndError struct {
	Result
	what string
}

// Error is what took place, and why it is not recorded.
func (e *EndError) Error() string {
	what := e.what
	if what == "" {
		what = "deployment"
	}
	return "versioner: the " + what + " succeeded, but this is not recorded: " + e.Result.Message
}

// Unwrap gives an *Error.
func (e *EndError) Unwrap() error { return &Error{Result: e.Result} }

// Deploy asks whether a deployment may begin, runs body if it may, and tells how it ended:
//
//   - completed if body returns nil,
//   - failed if it returns an error, or panics, which goes on afterwards,
//   - aborted if it returns an error after ctx has ended or the client was closed, or if it ends its
//     goroutine ([runtime.Goexit], t.FailNow).
//
// The context that body gets ends with ctx, and when the client is closed. While body runs, the
// service is told that the deployment goes on. Nothing tells the end of a process that exits in body
// ([os.Exit], log.Fatal, a signal that nobody catches): catch signals with [signal.NotifyContext].
//
// An error of body is returned as it is. An [*EndError] says that body succeeded and that this is
// not recorded. Every other error means that body did not run: as for [Client.Begin]. The Result is
// that of the end, or of a start that did not begin. That a failure could not be told is a warning
// for the logger.
//
// The end says which exit code an [*exec.ExitError] has.
//
// [Client.Close] waits until body has ended and this is told; body must not call it.
func (c *Client) Deploy(ctx context.Context, deployment Deployment, body func(context.Context, *Span) error) (Result, error) {
	return c.scoped(ctx, body, func() (*Span, Result, error) { return c.begin(ctx, deployment) })
}

// Build is [Client.Deploy] for a build: it tells that the build begins, runs body, and tells how it
// ended. A [*RejectedError] says that the version was built of other code before; body did not run.
func (c *Client) Build(ctx context.Context, build Build, body func(context.Context, *Span) error) (Result, error) {
	return c.scoped(ctx, body, func() (*Span, Result, error) { return c.beginBuild(ctx, build) })
}

func (c *Client) scoped(ctx context.Context, body func(context.Context, *Span) error, begin func() (*Span, Result, error)) (Result, error) {
	var memory arena
	defer memory.free()
	if body == nil {
		return Result{}, invalid(KindInvalidArgument, "body", "body must not be nil")
	}
	turn := memory.flag()
	if c == nil || c.turns == nil || !c.enter(turn) {
		return Result{}, closed()
	}
	defer c.leave(turn)
	span, result, err := begin()
	if err != nil {
		return result, err
	}
	defer span.Close()
	inside, cancel := c.bodyContext(ctx)
	defer cancel()
	return span.run(inside, body)
}

// bodyContext ends with ctx, with the client, and by the function that it gives.
func (c *Client) bodyContext(ctx context.Context) (context.Context, func()) {
	inside, cancel := withCancel(ctx)
	over := make(chan struct{})
	go func() {
		select {
		case <-c.closing:
			cancel(ErrClosed)
		case <-over:
			cancel(nil)
		}
	}()
	return inside, func() { close(over) }
}

func (s *Span) run(ctx context.Context, body func(context.Context, *Span) error) (result Result, err error) {
	over := make(chan struct{})
	go s.renewUntil(over)
	hasReturned := false
	defer func() {
		if hasReturned {
			return
		}
		end := End{Status: StatusAborted} // by runtime.Goexit
		fault := recover()
		if fault != nil {
			end = End{Status: StatusFailed, ErrorClass: "panic"}
		}
		close(over)
		result = s.endBadly(end)
		if fault != nil {
			panic(fault)
		}
		err = errors.New("versioner: the " + s.what + " panicked with nil")
	}()
	err = body(ctx, s)
	hasReturned = true
	close(over)
	switch {
	case err == nil:
		return s.endWell()
	case s.client.cause(ctx) != nil:
		return s.endBadly(endOf(StatusAborted, err)), err
	default:
		return s.endBadly(endOf(StatusFailed, err)), err
	}
}

func (s *Span) endWell() (Result, error) {
	result, err := s.End(End{Status: StatusCompleted})
	if err != nil {
		return result, &EndError{result, s.what}
	}
	return result, nil
}

// endBadly lets nothing hide why the deployment ended.
func (s *Span) endBadly(end End) Result {
	result, err := s.End(end)
	if err != nil {
		s.client.tell(LevelWarning, fmt.Sprintf("that the %s is %s could not be told: %v", s.what, end.Status, err))
	}
	return result
}

// renewUntil says that the deployment goes on, until it is over. Two of three may be lost.
func (s *Span) renewUntil(over <-chan struct{}) {
	every := hourly
	if s.lease != 0 {
		every = s.lease / 3
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
		}
		err := s.Renew()
		select {
		case <-over: // it may have failed for that
			return
		default:
		}
		if err != nil {
			s.client.tell(LevelWarning, "that the "+s.what+" goes on could not be said: "+err.Error())
		}
	}
}

// endOf is what is known of a body that ended with err.
func endOf(status string, err error) End {
	end := End{Status: status, ErrorClass: classOf(err)}
	var command *exec.ExitError
	if errors.As(err, &command) && command.Exited() {
		code := command.ExitCode()
		end.ExitCode = &code
	}
	return end
}

// classOf is the type of an error below what fmt.Errorf put around it.
func classOf(err error) string {
	for {
		class := fmt.Sprintf("%T", err)
		inner := errors.Unwrap(err)
		if class != "*fmt.wrapError" || inner == nil {
			return class
		}
		err = inner
	}
}
