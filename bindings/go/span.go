package versioner

// #include <versioner.h>
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Span is one deployment or build from its start to its end. [Client.Deploy] and [Client.Build] are the
// forms that most programs want: they end it whatever happens. A Span is for what begins in one place
// and ends in another:
//
//	span, err := client.Begin(ctx, deployment)
//	if err != nil {
//		return err // rejected, or nobody could be asked: do not deploy
//	}
//	defer span.Close() // tells aborted, unless it has ended
//
// Any goroutine may use it, after [Client.Close] too. The first end counts. It belongs to the
// process that began or resumed it. One that is lost without an end, and that was not saved, sends
// nothing, because nobody knows whether the deployment went well: the logger hears of it, and the
// outbox, if there is one, keeps that it was aborted.
type Span struct {
	client  *Client
	id      string
	started Result
	lease   time.Duration
	what    string // deployment or build

	mutex    sync.Mutex
	raw      *C.versioner_span
	uses     int // calls in progress, and 1 until it is closed
	isClosed bool
}

// End is how a deployment or build ended.
type End struct {
	// Status is completed, failed or aborted, or an alias such as success. Required: nothing is a
	// success because nobody said otherwise.
	Status string
	// ErrorClass is the class of the error that ended it, never its message. Default: none.
	ErrorClass string
	// ExitCode is the exit code of the command that was run. Default: none.
	ExitCode *int
	// Signal is the signal that ended that command, such as "TERM". Default: none.
	Signal string
	// ExtraMetadata is a JSON object of your own, over that of the start, as in a [Deployment].
	ExtraMetadata any
	// Timeout is the longest that the telling may take with all its attempts and pauses, in place of
	// the client's total timeout; at least 1 ms. 0 means the client's.
	Timeout time.Duration
}

// Begin asks whether a deployment may begin, and begins it. Its Status must be unset or
// [StatusStarted].
//
// On an error, such as a [*RejectedError], it must not happen. If nobody knows whether the start was
// recorded (ctx ended, time over, connection lost), aborted was told for it, within 5 s, whatever
// ended the call.
func (c *Client) Begin(ctx context.Context, deployment Deployment) (*Span, error) {
	span, _, err := c.begin(ctx, deployment)
	return span, err
}

func (c *Client) begin(ctx context.Context, deployment Deployment) (*Span, Result, error) {
	return c.span("deployment", deployment.Lease, func(place **C.versioner_span) (Result, error) {
		return c.withDeployment(ctx, deployment, func(event *C.versioner_deployment_event, result **C.versioner_result) {
			C.versioner_span_begin(c.raw, event, place, result)
		})
	})
}

// BeginBuild is [Client.Begin] for a build: on an error it must not happen.
func (c *Client) BeginBuild(ctx context.Context, build Build) (*Span, error) {
	span, _, err := c.beginBuild(ctx, build)
	return span, err
}

func (c *Client) beginBuild(ctx context.Context, build Build) (*Span, Result, error) {
	return c.span("build", 0, func(place **C.versioner_span) (Result, error) {
		return c.withBuild(ctx, build, func(event *C.versioner_build_event, result **C.versioner_result) {
			C.versioner_span_begin_build(c.raw, event, place, result)
		})
	})
}

// Prepare makes a span that is not asked for yet, and sends nothing: a program that saves it first
// can die while it asks, because [Client.Resume] asks with what was saved. The error is an
// [*ArgumentError].
func (c *Client) Prepare(deployment Deployment) (*Span, error) {
	span, _, err := c.span("deployment", deployment.Lease, func(place **C.versioner_span) (Result, error) {
		return c.withDeployment(context.Background(), deployment, func(event *C.versioner_deployment_event, result **C.versioner_result) {
			C.versioner_span_prepare(c.raw, event, place, result)
		})
	})
	return span, err
}

// PrepareBuild is [Client.Prepare] for a build.
func (c *Client) PrepareBuild(build Build) (*Span, error) {
	span, _, err := c.span("build", 0, func(place **C.versioner_span) (Result, error) {
		return c.withBuild(context.Background(), build, func(event *C.versioner_build_event, result **C.versioner_result) {
			C.versioner_span_prepare_build(c.raw, event, place, result)
		})
	})
	return span, err
}

// Resume makes a span of what [Span.Save] gave, in this process or another; it belongs to this process
// from now on. One that was saved before it was allowed asks again: it is the same deployment.
//
// The error is an [*ArgumentError] for a text that is none, or is of another service or account;
// else as that of [Client.Begin].
func (c *Client) Resume(ctx context.Context, saved string) (*Span, error) {
	var memory arena
	defer memory.free()
	text, flag := memory.text("saved", saved), memory.flag()
	span, _, err := c.span("", 0, func(place **C.versioner_span) (Result, error) {
		return c.track(ctx, &memory, flag, func(result **C.versioner_result) {
			C.versioner_span_resume(c.raw, text, flag, place, result)
		})
	})
	return span, err
}

func (c *Client) span(what string, lease time.Duration, call func(**C.versioner_span) (Result, error)) (*Span, Result, error) {
	var raw *C.versioner_span
	result, err := call(&raw)
	if err != nil {
		return nil, result, err
	}
	c.keepLog()
	span := &Span{
		client: c, id: C.GoString(C.versioner_span_id(raw)), started: result, lease: lease, what: what,
		raw: raw, uses: 1,
	}
	runtime.SetFinalizer(span, (*Span).lost)
	return span, result, nil
}

// ID identifies the span: a UUID, the idempotency key of its start.
func (s *Span) ID() string { return s.id }

// Started is how its start ended, empty if this Span did not ask for it.
func (s *Span) Started() Result { return s.started }

// Save gives everything about it as one line of JSON without the API key, which [Client.Resume]
// takes. Whoever keeps it goes on with the deployment: [Span.Close] then tells nothing. To survive a
// crash at any moment, save before asking ([Client.Prepare]) and after each change. "" after Close.
func (s *Span) Save() string {
	if !s.enter() {
		return ""
	}
	defer s.leave()
	return C.GoString(C.versioner_span_save(s.raw))
}

// End tells how the deployment or build ended. The first end counts; a later one gives the result of the
// first, or tells it again if it could not be told. A service that rejects the end is asked once
// more after 5 s, if Timeout leaves time for that.
//
// What happened has happened, whatever the error is. There is no context, because nothing that ends
// a deployment may end the telling of it; Timeout does.
func (s *Span) End(end End) (Result, error) {
	if !s.enter() {
		return Result{}, errClosedSpan()
	}
	defer s.leave()
	var memory arena
	defer memory.free()
	raw, err := end.raw(&memory)
	if err != nil {
		return Result{}, err
	}
	var result *C.versioner_result
	C.versioner_span_end(s.raw, raw, &result)
	told := take(result)
	return told, s.client.told(told, nil)
}

// Renew says that the deployment goes on, so that the service does not take it for lost: for another
// Lease of its [Deployment], or for as long as the service has it. [Client.Deploy] does so unasked.
// Call it every third of the lease, or every hour without one. Of a service that offers no such
// thing it asks nothing. On an error it could not be said, or the service has ended the deployment.
func (s *Span) Renew() error {
	if !s.enter() {
		return errClosedSpan()
	}
	defer s.leave()
	var result *C.versioner_result
	C.versioner_span_renew(s.raw, &result)
	return s.client.told(take(result), nil)
}

// Close lets go of it: one that has not ended, and that nobody saved as it is, is told aborted, once
// and within 5 s. Closing again does nothing. The error is always nil.
func (s *Span) Close() error {
	if s == nil || s.client == nil {
		return nil
	}
	s.mutex.Lock()
	wasClosed := s.isClosed
	s.isClosed = true
	s.mutex.Unlock()
	if !wasClosed {
		s.leave()
	}
	return nil
}

func (s *Span) enter() bool {
	if s == nil || s.client == nil {
		return false
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.isClosed {
		return false
	}
	s.uses++
	return true
}

// leave frees the C span after the last call, once it is closed.
func (s *Span) leave() {
	s.mutex.Lock()
	s.uses--
	isLast := s.uses == 0
	s.mutex.Unlock()
	if isLast {
		runtime.SetFinalizer(s, nil)
		C.versioner_span_free(s.raw)
		s.client.dropLog()
	}
}

// lost is for the finaliser, which must neither send nor wait.
func (s *Span) lost() {
	isForgotten := bool(C.versioner_span_drop(s.raw))
	if isForgotten && s.client.logger == nil { // which has heard it
		s.client.tell(LevelWarning, "a span was lost without an end: "+s.id)
	}
	s.client.dropLog()
}

func errClosedSpan() error {
	return invalid(KindInvalidArgument, "span", "the span is closed: end it before you close it, or resume what was saved of it")
}

func (e *End) raw(memory *arena) (*C.versioner_end, error) {
	if err := checkDuration("timeout", e.Timeout); err != nil {
		return nil, err
	}
	extraMetadata, err := metadata(e.ExtraMetadata)
	if err != nil {
		return nil, err
	}
	end := (*C.versioner_end)(memory.allocate(C.sizeof_versioner_end))
	C.versioner_end_init(end)
	end.status = memory.text("status", e.Status)
	end.error_class = memory.text("error_class", e.ErrorClass)
	end.signal = memory.text("signal", e.Signal)
	if e.ExitCode != nil {
		if *e.ExitCode != int(int32(*e.ExitCode)) {
			return nil, invalid(KindInvalidArgument, "exit_code", fmt.Sprintf("exit_code is not one: %d", *e.ExitCode))
		}
		end.has_exit_code = C.VERSIONER_YES
		end.exit_code = C.int32_t(*e.ExitCode)
	}
	end.extra_metadata = memory.text("extra_metadata", extraMetadata)
	end.timeout_ms = limit(e.Timeout)
	return end, memory.check(KindInvalidArgument)
}
