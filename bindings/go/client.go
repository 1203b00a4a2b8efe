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
	"strings"
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
	logger  *logger             // nil if none was given
	log     cgo.Handle
	logUses int // the client and its spans, which may tell something
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
	client.keepLog()
	if chosen.logger != nil {
		client.logger = &logger{receive: chosen.logger}
		client.log = cgo.NewHandle(client.logger)
		C.set_log(raw, C.uintptr_t(client.log))
	}
	var result *C.versioner_result
	if C.versioner_client_new(raw, &client.raw, &result) != C.VERSIONER_OK {
		client.dropLog()
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
// nothing. Any goroutine may close, but neither the logger nor what [Client.Deploy] runs. A [Span]
// can still be ended, saved and closed. The error is always nil.
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
	c.releaseLog()
	runtime.SetFinalizer(c, nil)
	close(c.freed)
}

func (c *Client) keepLog() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.logUses++
}

func (c *Client) dropLog() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.releaseLog()
}

// releaseLog is for those who hold the mutex.
func (c *Client) releaseLog() {
	c.logUses--
	if c.logUses == 0 && c.log != 0 {
		c.log.Delete()
	}
}

// tell gives a message to the logger, or a warning to the standard one if none was given.
func (c *Client) tell(level Level, message string) {
	switch {
	case c.logger != nil:
		c.logger.tell(level, message)
	case level == LevelWarning:
		log.Printf("versioner: %s", strings.ReplaceAll(message, "\n", " "))
	}
}

// logger is what the program gave to receive log messages.
type logger struct {
	receive func(Level, string)
	failed  sync.Once
}

// tell lets no panic out: it must not unwind through the C library.
func (l *logger) tell(level Level, message string) {
	defer func() {
		if fault := recover(); fault != nil {
			l.failed.Do(func() { log.Printf("versioner: the logger panicked: %v", fault) })
		}
	}()
	l.receive(level, message)
}

//export versionerGoLog
func versionerGoLog(level C.int32_t, message *C.char, userdata unsafe.Pointer) {
	if logger, ok := cgo.Handle(uintptr(userdata)).Value().(*logger); ok {
		logger.tell(Level(level), C.GoString(message))
	}
}
