package versioner

import "errors"

// Error is every failure of this package; what more is known is in its Result. Use [errors.As] to
// tell the kinds apart: [*RejectedError], [*APIError], [*NetworkError], [*ArgumentError],
// [*ConfigError], [*InterruptedError]; all of them are an *Error too.
type Error struct {
	Result
	cause error
}

// base is Error under a name that can be embedded beside the method Error.
type base = Error

// Error is what went wrong and what to do.
func (e *Error) Error() string { return "versioner: " + e.Message }

// Unwrap gives the error of the context that ended the call, where one did.
func (e *Error) Unwrap() error { return e.cause }

// RejectedError is code 5: policy forbids it, and the deployment must not happen.
type RejectedError struct{ *base }

// Unwrap gives the *Error.
func (e *RejectedError) Unwrap() error { return e.base }

// APIError is code 4: the service answered, neither with success nor with a rejection.
type APIError struct{ *base }

// Unwrap gives the *Error.
func (e *APIError) Unwrap() error { return e.base }

// NetworkError is that the service could not be reached, in time or securely.
type NetworkError struct{ *base }

// Unwrap gives the *Error.
func (e *NetworkError) Unwrap() error { return e.base }

// ArgumentError is that a value of the event is missing or malformed; nothing was sent.
type ArgumentError struct{ *base }

// Unwrap gives the *Error.
func (e *ArgumentError) Unwrap() error { return e.base }

// ConfigError is that a setting or file is missing or unusable; nothing was sent.
type ConfigError struct{ *base }

// Unwrap gives the *Error.
func (e *ConfigError) Unwrap() error { return e.base }

// InterruptedError is that the call's context ended it; the event may or may not be recorded.
// [errors.Is] finds [context.Canceled] or [context.DeadlineExceeded].
type InterruptedError struct{ *base }

// Unwrap gives the *Error.
func (e *InterruptedError) Unwrap() error { return e.base }

// ErrClosed is returned by the methods of a client that is closed.
var ErrClosed = errors.New("versioner: the client is closed")

// failure makes the error of a result that is not OK.
func failure(result Result, cause error) error {
	failed := &Error{Result: result, cause: cause}
	switch {
	case result.Code == Rejected:
		return &RejectedError{failed}
	case result.Code == API:
		return &APIError{failed}
	case result.Kind == kindName(kindInterrupted):
		return &InterruptedError{failed}
	case result.Kind == kindName(kindInvalidArgument):
		return &ArgumentError{failed}
	case result.Kind == kindName(kindConfig):
		return &ConfigError{failed}
	case result.Kind == kindName(kindInternal):
		return failed
	default:
		return &NetworkError{failed}
	}
}
