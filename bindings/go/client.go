package versioner

// #include <stdlib.h>
// #include <versioner.h>
//
// extern void versionerGoLog(int32_t level, char *message, void *userdata);
//
// static void log_to_go(int32_t level, const char *message, void *userdata) {
//     versionerGoLog(level, (char *)message, userdata);
// }
//
// static void set_log(versioner_options *options, uintptr_t handle) {
//     options->log = log_to_go;
//     options->log_userdata = (void *)handle;
// }
//
// static void set_flag(int32_t *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELAXED); }
import "C"

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/cgo"
	"strings"
	"sync"
	"time"
	"unsafe"
)

const defaultConcurrency = 64

const (
	kindInvalidArgument = C.VERSIONER_KIND_INVALID_ARGUMENT
	kindConfig          = C.VERSIONER_KIND_CONFIG
	kindInterrupted     = C.VERSIONER_KIND_INTERRUPTED
	kindInternal        = C.VERSIONER_KIND_INTERNAL
)

func kindName(kind C.int32_t) string { return C.GoString(C.versioner_kind_name(kind)) }

// Client tells the service about builds and deployments. It keeps connections open: make one and
// use it for all events, from any number of goroutines.
type Client struct {
	mutex sync.RWMutex // held for reading during calls, so that Close waits for them
	raw   *C.versioner_client
	turns chan struct{}
	log   cgo.Handle
}

// Version is the version of the C library that is running.
func Version() string { return C.GoString(C.versioner_version()) }

// New makes a client: it decides every setting and reads the configuration file and certificates,
// and connects nowhere. The error is a [*ConfigError], such as for a missing API key.
func New(with ...Option) (*Client, error) {
	if running := C.versioner_abi_version(); running != C.VERSIONER_ABI_VERSION {
		return nil, fmt.Errorf("versioner: compiled for ABI version %d of libversioner, but %d is loaded (%s): install the one it was compiled with",
			C.VERSIONER_ABI_VERSION, running, Version())
	}
	o := options{concurrency: defaultConcurrency, environment: processEnvironment()}
	for _, apply := range with {
		apply(&o)
	}
	if o.concurrency < 1 {
		o.concurrency = 1
	}
	client := &Client{turns: make(chan struct{}, o.concurrency)}
	var memory arena
	defer memory.free()
	raw := o.raw(&memory)
	if memory.hasNUL {
		return nil, invalid(kindConfig, "a setting holds a NUL character")
	}
	if o.logger != nil {
		client.log = cgo.NewHandle(o.logger)
		C.set_log(raw, C.uintptr_t(client.log))
	}
	var result *C.versioner_result
	if C.versioner_client_new(raw, &client.raw, &result) != C.VERSIONER_OK {
		client.deleteLog()
		taken, err := take(result)
		if err != nil {
			return nil, err
		}
		return nil, failure(taken, nil)
	}
	runtime.SetFinalizer(client, (*Client).Close)
	return client, nil
}

// Close frees the client once the calls in progress have ended. Closing again does nothing.
func (c *Client) Close() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.raw != nil {
		C.versioner_client_free(c.raw)
		c.raw = nil
		c.deleteLog()
		runtime.SetFinalizer(c, nil)
	}
	return nil
}

func (c *Client) deleteLog() {
	if c.log != 0 {
		c.log.Delete()
		c.log = 0
	}
}

// TrackBuild tells that something was built. It returns once the event is recorded or cannot be,
// after all retries, or once ctx ends.
func (c *Client) TrackBuild(ctx context.Context, build Build) (Result, error) {
	var memory arena
	defer memory.free()
	event := (*C.versioner_build_event)(memory.allocate(C.sizeof_versioner_build_event))
	C.versioner_build_event_init(event)
	event.product = memory.text(build.Product)
	event.version = memory.text(build.Version)
	event.status = memory.text(build.Status)
	event.source_system = memory.text(build.SourceSystem)
	event.build_number = memory.text(build.BuildNumber)
	event.scm_sha = memory.text(build.SCMSHA)
	event.scm_branch = memory.text(build.SCMBranch)
	event.scm_repository = memory.text(build.SCMRepository)
	event.build_url = memory.text(build.BuildURL)
	event.invoke_id = memory.text(build.InvokeID)
	event.built_by = memory.text(build.BuiltBy)
	event.built_by_email = memory.text(build.BuiltByEmail)
	event.built_by_name = memory.text(build.BuiltByName)
	event.started_at = memory.text(build.StartedAt)
	event.completed_at = memory.text(build.CompletedAt)
	event.extra_metadata = memory.text(build.ExtraMetadata)
	flag := memory.flag()
	event.cancel_flag = flag
	return c.track(ctx, &memory, flag, func(result **C.versioner_result) {
		C.versioner_track_build(c.raw, event, result)
	})
}

// TrackDeployment tells that something is deployed. With Status "started" it is checked against
// policy first: on a [*RejectedError] the deployment must not happen. It returns once the event is
// recorded or cannot be, after all retries, or once ctx ends.
func (c *Client) TrackDeployment(ctx context.Context, deployment Deployment) (Result, error) {
	var memory arena
	defer memory.free()
	event := (*C.versioner_deployment_event)(memory.allocate(C.sizeof_versioner_deployment_event))
	C.versioner_deployment_event_init(event)
	event.product = memory.text(deployment.Product)
	event.version = memory.text(deployment.Version)
	event.environment = memory.text(deployment.Environment)
	event.status = memory.text(deployment.Status)
	event.source_system = memory.text(deployment.SourceSystem)
	event.build_number = memory.text(deployment.BuildNumber)
	event.scm_sha = memory.text(deployment.SCMSHA)
	event.scm_branch = memory.text(deployment.SCMBranch)
	event.scm_repository = memory.text(deployment.SCMRepository)
	event.build_url = memory.text(deployment.BuildURL)
	event.deploy_url = memory.text(deployment.DeployURL)
	event.invoke_id = memory.text(deployment.InvokeID)
	event.deployed_by = memory.text(deployment.DeployedBy)
	event.deployed_by_email = memory.text(deployment.DeployedByEmail)
	event.deployed_by_name = memory.text(deployment.DeployedByName)
	event.completed_at = memory.text(deployment.CompletedAt)
	event.extra_metadata = memory.text(deployment.ExtraMetadata)
	event.skip_preflight_checks = choice(deployment.SkipPreflightChecks)
	flag := memory.flag()
	event.cancel_flag = flag
	return c.track(ctx, &memory, flag, func(result **C.versioner_result) {
		C.versioner_track_deployment(c.raw, event, result)
	})
}

// track makes a call when its turn comes, and ends it when ctx does.
func (c *Client) track(ctx context.Context, memory *arena, flag *C.int32_t, call func(**C.versioner_result)) (Result, error) {
	if c.turns == nil {
		return Result{}, ErrClosed // not made by New
	}
	if memory.hasNUL {
		return Result{}, invalid(kindInvalidArgument, "a field of the event holds a NUL character")
	}
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
	case <-ctx.Done():
		return interrupted(ctx.Err())
	}
	if err := ctx.Err(); err != nil {
		return interrupted(err)
	}
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	if c.raw == nil {
		return Result{}, ErrClosed
	}
	var raw *C.versioner_result
	stop := watch(ctx, flag)
	call(&raw)
	stop()
	result, err := take(raw)
	if err != nil {
		return result, err
	}
	if result.Code != OK {
		var cause error
		if result.Kind == kindName(kindInterrupted) {
			cause = ctx.Err()
		}
		return result, failure(result, cause)
	}
	return result, nil
}

// invalid is the failure of a call whose arguments C could not be told.
func invalid(kind C.int32_t, message string) error {
	return failure(Result{Code: General, Kind: kindName(kind), Message: message}, nil)
}

// interrupted is the end of a call whose context ended before it began.
func interrupted(cause error) (Result, error) {
	result := Result{Code: General, Kind: kindName(kindInterrupted), Message: "interrupted before the event was sent: " + cause.Error()}
	return result, failure(result, cause)
}

// watch sets the flag once ctx ends. The function it gives back ends the watch, and returns when
// nothing touches the flag any more.
func watch(ctx context.Context, flag *C.int32_t) func() {
	if ctx.Done() == nil {
		return func() {}
	}
	ended, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-ctx.Done():
			C.set_flag(flag)
		case <-ended:
		}
	}()
	return func() {
		close(ended)
		<-finished
	}
}

// processEnvironment is read here, because C would read it without the lock that os.Setenv takes.
func processEnvironment() map[string]string {
	variables := make(map[string]string)
	for _, entry := range os.Environ() {
		if name, value, found := strings.Cut(entry, "="); found {
			variables[name] = value
		}
	}
	return variables
}

func (o *options) raw(memory *arena) *C.versioner_options {
	raw := (*C.versioner_options)(memory.allocate(C.sizeof_versioner_options))
	C.versioner_options_init(raw)
	raw.api_key = memory.text(o.apiKey)
	raw.api_url = memory.text(o.apiURL)
	raw.ui_url = memory.text(o.uiURL)
	raw.config = memory.text(o.config)
	raw.ca_file = memory.text(o.caFile)
	raw.client_cert = memory.text(o.clientCert)
	raw.client_key = memory.text(o.clientKey)
	raw.surface = memory.text("go")
	raw.fail_on_api_error = choice(o.failOnAPIError)
	if o.maxRetries != nil {
		raw.max_retries = C.int32_t(*o.maxRetries)
		if *o.maxRetries == 0 {
			raw.max_retries = C.VERSIONER_NO_RETRIES
		}
	}
	raw.retry_pause_ms = milliseconds(o.retryPause)
	raw.attempt_timeout_ms = milliseconds(o.attemptTimeout)
	raw.total_timeout_ms = milliseconds(o.totalTimeout)
	raw.environment = memory.environment(o.environment)
	return raw
}

// milliseconds rounds up, so that no duration becomes 0, which means unset.
func milliseconds(duration time.Duration) C.uint64_t {
	if duration <= 0 {
		return 0
	}
	return C.uint64_t((duration + time.Millisecond - 1) / time.Millisecond)
}

func choice(value *bool) C.int32_t {
	switch {
	case value == nil:
		return C.VERSIONER_UNSET
	case *value:
		return C.VERSIONER_YES
	default:
		return C.VERSIONER_NO
	}
}

//export versionerGoLog
func versionerGoLog(level C.int32_t, message *C.char, userdata unsafe.Pointer) {
	// A panic must not unwind through the C library.
	defer func() { _ = recover() }()
	logger, ok := cgo.Handle(uintptr(userdata)).Value().(func(Level, string))
	if ok {
		logger(Level(level), C.GoString(message))
	}
}
