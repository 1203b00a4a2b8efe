//go:build cgo

package versioner

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"
)

const defaultConcurrency = 64

// options are what a client is made with. The zero value takes everything from the environment, the
// configuration file and the defaults.
type options struct {
	apiKey, apiURL, uiURL, config string
	caFile, clientCert, clientKey string
	outbox                        string
	failOnAPIError                *bool
	maxRetries                    *int
	retryPause                    *time.Duration
	attemptTimeout, totalTimeout  *time.Duration
	environment                   map[string]string
	logger                        func(Level, string)
	concurrency                   int
}

// Option changes how [New] makes a client. What none is given for is taken from the VERSIONER_*
// variable of the same name, then from the configuration file, then from the default. An empty text
// is the same as no option.
type Option func(*options)

// WithAPIKey gives the API key, sk_account_id_random. Required from somewhere.
func WithAPIKey(key string) Option { return func(o *options) { o.apiKey = key } }

// WithAPIURL gives the base URL of the service. Default: https://api.versioner.io.
func WithAPIURL(url string) Option { return func(o *options) { o.apiURL = url } }

// WithUIURL gives the base URL of the web interface, for links. Default:
// https://app.versioner.io.
func WithUIURL(url string) Option { return func(o *options) { o.uiURL = url } }

// WithConfig gives the path of the configuration file, which must exist. Default:
// VERSIONER_CONFIG, then $HOME/.versioner/config.yaml if that exists.
func WithConfig(path string) Option { return func(o *options) { o.config = path } }

// WithFailOnAPIError tells whether an event that could not be recorded is an error. Default: true.
// With false (best effort) it is a [Result] with Recorded false and a warning, which is logged.
// Rejections and bad arguments stay errors.
func WithFailOnAPIError(fail bool) Option { return func(o *options) { o.failOnAPIError = &fail } }

// WithMaxRetries gives the attempts after the first; 0 for none. Default: 3.
func WithMaxRetries(count int) Option { return func(o *options) { o.maxRetries = &count } }

// WithRetryPause gives the pause before the first retry, doubled for each further one; 0 for next to
// none (1 ms). Default: 1 s.
func WithRetryPause(pause time.Duration) Option { return func(o *options) { o.retryPause = &pause } }

// WithAttemptTimeout gives the longest that one attempt may take, at least 1 ms. Default: 30 s.
func WithAttemptTimeout(limit time.Duration) Option {
	return func(o *options) { o.attemptTimeout = &limit }
}

// WithTotalTimeout gives the longest that all attempts and pauses together may take, at least 1 ms.
// Default: 120 s. A call may have a Timeout of its own, and its context may end it
// earlier.
func WithTotalTimeout(limit time.Duration) Option {
	return func(o *options) { o.totalTimeout = &limit }
}

// WithCAFile gives the PEM file of the only certificate authorities to trust.
func WithCAFile(path string) Option { return func(o *options) { o.caFile = path } }

// WithClientCert gives the PEM files of a client certificate and of its key; an empty key means
// that both are in one file.
func WithClientCert(certificate, key string) Option {
	return func(o *options) { o.clientCert, o.clientKey = certificate, key }
}

// WithOutbox gives the directory that keeps an event which best effort could not deliver, and the end
// of a [Span] which could not be told, until a later event delivers them; it is made if it is missing.
// The status of such a result is [StatusQueued]. What is kept is lost if the disk is. Default: none, and
// such events are lost.
func WithOutbox(directory string) Option { return func(o *options) { o.outbox = directory } }

// WithEnvironment gives the variables for detection, configuration and proxies, in place of the
// process's own, which nil means.
func WithEnvironment(variables map[string]string) Option {
	return func(o *options) { o.environment = variables }
}

// WithLogger gives what receives log messages. It is called by the goroutines that track, by several
// at once if several track, and must not call the client. A panic in it harms no event, and is told
// once by the standard logger. Messages never hold the API key. Default, and nil: each warning of a
// [Result] is a line of the standard logger, package log, and other messages are dropped.
func WithLogger(logger func(Level, string)) Option { return func(o *options) { o.logger = logger } }

// WithConcurrency gives how many calls may be in progress at once, at least 1. Default: 64. Each
// occupies a thread of the operating system while it waits; further ones wait for their turn
// without one.
func WithConcurrency(limit int) Option { return func(o *options) { o.concurrency = limit } }

// chosen applies options, of which nil ones are none, and checks what C could not be told.
func chosen(with []Option) (options, error) {
	o := options{concurrency: defaultConcurrency}
	for _, apply := range with {
		if apply != nil {
			apply(&o)
		}
	}
	if o.environment == nil {
		o.environment = processEnvironment()
	}
	if o.concurrency < 1 {
		return o, wrong("concurrency", o.concurrency, "at least 1")
	}
	if o.maxRetries != nil && (*o.maxRetries < 0 || *o.maxRetries > math.MaxInt32) {
		return o, wrong("max_retries", *o.maxRetries, fmt.Sprintf("from 0 to %d", math.MaxInt32))
	}
	if o.retryPause != nil && *o.retryPause < 0 {
		return o, wrong("retry_pause", *o.retryPause, "0 or more")
	}
	if o.attemptTimeout != nil && *o.attemptTimeout < time.Millisecond {
		return o, wrong("attempt_timeout", *o.attemptTimeout, "at least 1ms")
	}
	if o.totalTimeout != nil && *o.totalTimeout < time.Millisecond {
		return o, wrong("total_timeout", *o.totalTimeout, "at least 1ms")
	}
	return o, nil
}

func wrong(name string, value any, wanted string) error {
	return invalid(KindConfig, name, fmt.Sprintf("%s must be %s, but is %v", name, wanted, value))
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
