package versioner

// #include <versioner.h>
import "C"

import (
	"context"
	"time"
)

// TrackBuild tells that something was built. It returns once the event is recorded or cannot be,
// after all retries, or once ctx ends.
func (c *Client) TrackBuild(ctx context.Context, build Build) (Result, error) {
	return c.withBuild(ctx, build, func(event *C.versioner_build_event, result **C.versioner_result) {
		C.versioner_track_build(c.raw, event, result)
	})
}

// TrackDeployment tells that something is deployed. With [StatusStarted] it is checked against
// policy first: on an error, such as a [*RejectedError], the deployment must not happen. It returns
// once the event is recorded or cannot be, after all retries, or once ctx ends. [Client.Deploy] does
// more: it ends what it starts, whatever happens.
func (c *Client) TrackDeployment(ctx context.Context, deployment Deployment) (Result, error) {
	if deployment.Lease != 0 {
		return Result{}, invalid(KindInvalidArgument, "lease", "lease is of a span: use Deploy or Begin")
	}
	return c.withDeployment(ctx, deployment, func(event *C.versioner_deployment_event, result **C.versioner_result) {
		C.versioner_track_deployment(c.raw, event, result)
	})
}

func (c *Client) withBuild(ctx context.Context, build Build, call func(*C.versioner_build_event, **C.versioner_result)) (Result, error) {
	var memory arena
	defer memory.free()
	if err := checkDuration("timeout", build.Timeout); err != nil {
		return Result{}, err
	}
	extraMetadata, err := metadata(build.ExtraMetadata)
	if err != nil {
		return Result{}, err
	}
	event := build.raw(&memory, extraMetadata)
	flag := memory.flag()
	event.cancel_flag = flag
	return c.track(ctx, &memory, flag, func(result **C.versioner_result) { call(event, result) })
}

func (c *Client) withDeployment(ctx context.Context, deployment Deployment, call func(*C.versioner_deployment_event, **C.versioner_result)) (Result, error) {
	var memory arena
	defer memory.free()
	for name, duration := range map[string]time.Duration{
		"timeout": deployment.Timeout, "lease": deployment.Lease, "wait": deployment.Wait,
	} {
		if err := checkDuration(name, duration); err != nil {
			return Result{}, err
		}
	}
	extraMetadata, err := metadata(deployment.ExtraMetadata)
	if err != nil {
		return Result{}, err
	}
	event := deployment.raw(&memory, extraMetadata)
	flag := memory.flag()
	event.cancel_flag = flag
	return c.track(ctx, &memory, flag, func(result **C.versioner_result) { call(event, result) })
}

// track makes a call when its turn comes, and ends it when ctx or the client does.
func (c *Client) track(ctx context.Context, memory *arena, flag *C.int32_t, call func(**C.versioner_result)) (Result, error) {
	if c == nil || c.turns == nil {
		return Result{}, closed() // not made by New
	}
	if ctx == nil {
		return Result{}, invalid(KindInvalidArgument, "ctx", "ctx must not be nil")
	}
	if err := memory.check(KindInvalidArgument); err != nil {
		return Result{}, err
	}
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-ctx.Done():
	case <-c.closing:
		return Result{}, closed()
	}
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if !c.enter(flag) {
		return Result{}, closed()
	}
	defer c.leave(flag)
	var raw *C.versioner_result
	stop := watch(ctx, flag)
	call(&raw)
	stop()
	result := take(raw)
	return result, c.told(result, c.cause(ctx))
}

// told is the error of a result, whose warnings somebody hears: the logger has heard them.
func (c *Client) told(result Result, cause error) error {
	if c.logger == nil {
		for _, warning := range result.Warnings {
			c.tell(LevelWarning, warning.Message)
		}
	}
	if result.Code != OK {
		return failure(result, cause)
	}
	return nil
}

// cause is what has ended a call, if that was not the call itself.
func (c *Client) cause(ctx context.Context) error {
	if ctx.Err() != nil {
		return ended{ctx.Err(), causeOf(ctx)}
	}
	select {
	case <-c.closing:
		return ErrClosed
	default:
		return nil
	}
}

// interrupted is the end of a call whose context ended before it began.
func interrupted(ctx context.Context) (Result, error) {
	message := "interrupted before the event was sent: " + causeOf(ctx).Error()
	result := Result{Code: General, Kind: KindInterrupted, Message: message}
	return result, failure(result, ended{ctx.Err(), causeOf(ctx)})
}

// watch sets the flag once ctx ends. The function it gives back ends the watch, and returns when
// nothing touches the flag any more.
func watch(ctx context.Context, flag *C.int32_t) func() {
	if ctx.Done() == nil {
		return func() {}
	}
	finished := make(chan struct{})
	stop := afterFunc(ctx, func() {
		defer close(finished)
		set(flag)
	})
	return func() {
		if !stop() {
			<-finished
		}
	}
}
