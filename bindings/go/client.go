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
import "C"

import (
	"fmt"
	"log"
	"runtime"
	"runtime/cgo"
	"sync"
	"unsafe"
)

// Client tells the service about builds and deployments. It keeps connections open: make one and
// use it for all events, from any number of goroutines. Make it by [New].
type Client struct {
	turns   chan struct{}
	closing chan struct{} // closed as soon as no call may begin any more
	freed   chan struct{} // closed when the C client is freed

	mutex   sync.Mutex
	raw     *C.versioner_client
	running map[*C.int32_t]bool // the flags that end the calls in progress
	log     cgo.Handle
}

// Version is the version of the C library that is running.
func Version() string { return C.GoString(C.versioner_version()) }

// New makes a client: it decides every setting and reads the configuration file and certificates,
// and connects nowhere. The error is a [*ConfigError], such as for a missing API key, or an
// [*ArgumentError].
func New(with ...Option) (*Client, error) {
	if err := checkABI(uint32(C.versioner_abi_version()), Version()); err != nil {
		return nil, err
	}
	chosen, err := chosen(with)
	if err != nil {
		return nil, err
	}
	var memory arena
	defer memory.free()
	raw := chosen.raw(&memory)
	if err := memory.check(KindConfig); err != nil {
		return nil, err
	}
	client := &Client{
		turns:   make(chan struct{}, chosen.concurrency),
		closing: make(chan struct{}),
		freed:   make(chan struct{}),
		running: make(map[*C.int32_t]bool),
	}
	if chosen.logger != nil {
		client.log = cgo.NewHandle(&logger{tell: chosen.logger})
		C.set_log(raw, C.uintptr_t(client.log))
	}
	var result *C.versioner_result
	if C.versioner_client_new(raw, &client.raw, &result) != C.VERSIONER_OK {
		client.deleteLog()
		return nil, failure(take(result), nil)
	}
	runtime.SetFinalizer(client, (*Client).Close)
	return client, nil
}

func checkABI(running uint32, version string) error {
	if running == C.VERSIONER_ABI_VERSION {
		return nil
	}
	return invalid(KindConfig, "", fmt.Sprintf(
		"compiled for ABI version %d of libversioner, but %d is loaded (libversioner %s): install the one it was compiled with",
		C.VERSIONER_ABI_VERSION, running, version))
}

// Close refuses calls from now on, ends those in progress with an [*InterruptedError], and returns
// when they have ended; [errors.Is] finds [ErrClosed] in the errors of both. Closing again does
// nothing. Any goroutine may close, but not the logger. The error is always nil.
func (c *Client) Close() error {
	if c == nil || c.turns == nil {
		return nil
	}
	c.mutex.Lock()
	select {
	case <-c.closing:
	default:
		close(c.closing)
		for flag := range c.running {
			set(flag)
		}
		c.freeAfterTheLast()
	}
	c.mutex.Unlock()
	<-c.freed
	return nil
}

// enter begins a call that the flag ends, unless the client is closed.
func (c *Client) enter(flag *C.int32_t) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	select {
	case <-c.closing:
		return false
	default:
		c.running[flag] = true
		return true
	}
}

func (c *Client) leave(flag *C.int32_t) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.running, flag)
	select {
	case <-c.closing:
		c.freeAfterTheLast()
	default:
	}
}

// freeAfterTheLast frees what the calls needed, once the client is closed and none is left.
func (c *Client) freeAfterTheLast() {
	if len(c.running) > 0 {
		return
	}
	C.versioner_client_free(c.raw)
	c.deleteLog()
	runtime.SetFinalizer(c, nil)
	close(c.freed)
}

func (c *Client) deleteLog() {
	if c.log != 0 {
		c.log.Delete()
	}
}

// logger is what the program gave to receive log messages.
type logger struct {
	tell   func(Level, string)
	failed sync.Once
}

//export versionerGoLog
func versionerGoLog(level C.int32_t, message *C.char, userdata unsafe.Pointer) {
	logger, ok := cgo.Handle(uintptr(userdata)).Value().(*logger)
	if !ok {
		return
	}
	// A panic must not unwind through the C library.
	defer func() {
		if fault := recover(); fault != nil {
			logger.failed.Do(func() { log.Printf("versioner: the logger panicked: %v", fault) })
		}
	}()
	logger.tell(Level(level), C.GoString(message))
}
