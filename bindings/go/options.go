package versioner

import "time"

// Options are what a client is made with; see the With functions. The zero value takes everything
// from the environment, the configuration file and the defaults.
type options struct {
	apiKey, apiURL, uiURL, config string
	caFile, clientCert, clientKey string
	failOnAPIError                *bool
	maxRetries                    *int
	retryPause                    time.Duration
	attemptTimeout, totalTimeout  time.Duration
	environment                   map[string]string
	logger                        func(Level, string)
	concurrency                   int
}

// Option changes how [New] makes a client.
type Option func(*options)

// WithAPIKey gives the API key, sk_account_id_random. VERSIONER_API_KEY where it is not given.
func WithAPIKey(key string) Option { return func(o *options) { o.apiKey = key } }

// WithAPIURL gives the base URL of the service; https://api.versioner.io.
func WithAPIURL(url string) Option { return func(o *options) { o.apiURL = url } }

// WithUIURL gives the base URL of the web interface, for links; https://app.versioner.io.
func WithUIURL(url string) Option { return func(o *options) { o.uiURL = url } }

// WithConfig gives the path of the configuration file, which must exist. VERSIONER_CONFIG, then
// $HOME/.versioner/config.yaml where it is not given.
func WithConfig(path string) Option { return func(o *options) { o.config = path } }

// WithFailOnAPIError tells whether an event that could not be recorded is an error, which it is by
// default. With false (best effort) it is a [Result] with Recorded false and a warning. Rejections
// and bad arguments stay errors.
func WithFailOnAPIError(fail bool) Option { return func(o *options) { o.failOnAPIError = &fail } }

// WithMaxRetries gives the attempts after the first; 3.
func WithMaxRetries(count int) Option { return func(o *options) { o.maxRetries = &count } }

// WithRetryPause gives the pause before the first retry, doubled for each further one; 1 s.
func WithRetryPause(pause time.Duration) Option { return func(o *options) { o.retryPause = pause } }

// WithAttemptTimeout gives the longest that one attempt may take; 30 s.
func WithAttemptTimeout(limit time.Duration) Option {
	return func(o *options) { o.attemptTimeout = limit }
}

// WithTotalTimeout gives the longest that all attempts and pauses together may take; 120 s. The
// context of a call may end it earlier.
func WithTotalTimeout(limit time.Duration) Option {
	return func(o *options) { o.totalTimeout = limit }
}

// WithCAFile gives the PEM file of the only certificate authorities to trust.
func WithCAFile(path string) Option { return func(o *options) { o.caFile = path } }

// WithClientCert gives the PEM files of a client certificate and of its key; an empty key means
// that both are in one file.
func WithClientCert(certificate, key string) Option {
	return func(o *options) { o.clientCert, o.clientKey = certificate, key }
}

// WithEnvironment gives the variables for detection, configuration and proxies, in place of the
// process's own.
func WithEnvironment(variables map[string]string) Option {
	return func(o *options) { o.environment = variables }
}

// WithLogger gives what receives log messages. It is called by the goroutines that track, by
// several at once where several track, and must not call the client. Messages never hold the API
// key.
func WithLogger(logger func(Level, string)) Option { return func(o *options) { o.logger = logger } }

// WithConcurrency gives how many calls may be in progress at once; 64. Each occupies a thread of
// the operating system while it waits; further ones wait for their turn without one.
func WithConcurrency(limit int) Option { return func(o *options) { o.concurrency = limit } }
