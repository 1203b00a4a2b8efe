//go:build cgo

package versioner

import (
	"context"
	"errors"
)

// Error is every failure of this package; what is known about it is in its Result. Use [errors.As]
// to tell the sorts apart: [*RejectedError], [*APIError], [*NetworkError], [*ArgumentError],
// [*ConfigError], [*InterruptedError]; all of them are an *Error too.
//
// All have exported fields, so that your tests can make them:
//
//	err := &versioner.RejectedError{Result: versioner.Result{Message: "not today", Rule: "Freeze"}}
type Error struct {
	Result
	// Cause is the error of the context that ended the call, or [ErrClosed]; else nil.
	Cause error
}

// Error is what went wrong and what to do.
func (e *Error) Error() string { return e.Result.problem() }

// Unwrap gives the Cause.
func (e *Error) Unwrap() error { return e.Cause }

// Timeout tells whether the time was over: that of a setting or that of the context.
func (e *Error) Timeout() bool {
	return e.Kind == KindTimeout || errors.Is(e.Cause, context.DeadlineExceeded)
}

// RejectedError is code 5: policy forbids it, and the deployment must not happen. Its Result has
// the Rule, the PolicyCode, RetryAfter and Details.
type RejectedError struct{ Result }

// Error is what forbids it.
func (e *RejectedError) Error() string { return e.Result.problem() }

// Unwrap gives an *Error.
func (e *RejectedError) Unwrap() error { return &Error{Result: e.Result} }

// APIError is code 4: the service answered, neither with success nor with a rejection. Its Result
// has the HTTPStatus.
type APIError struct{ Result }

// Error is what the service answered.
func (e *APIError) Error() string { return e.Result.problem() }

// Unwrap gives an *Error.
func (e *APIError) Unwrap() error { return &Error{Result: e.Result} }

// NetworkError is that the service could not be reached ([KindNetwork]), in time ([KindTimeout]) or
// securely ([KindTLS]).
type NetworkError struct{ Result }

// Error is what went wrong and what to do.
func (e *NetworkError) Error() string { return e.Result.problem() }

// Unwrap gives an *Error.
func (e *NetworkError) Unwrap() error { return &Error{Result: e.Result} }

// Timeout tells whether it is of kind [KindTimeout].
func (e *NetworkError) Timeout() bool { return e.Kind == KindTimeout }

// ArgumentError is that a value of the event is missing or malformed, named by the Argument of its
// Result; nothing was sent.
type ArgumentError struct{ Result }

// Error is what is wrong with the value.
func (e *ArgumentError) Error() string { return e.Result.problem() }

// Unwrap gives an *Error.
func (e *ArgumentError) Unwrap() error { return &Error{Result: e.Result} }

// ConfigError is that a setting or file is missing or unusable, or that the C library is of another
// version; nothing was sent.
type ConfigError struct{ Result }

// Error is what is wrong with the setting.
func (e *ConfigError) Error() string { return e.Result.problem() }

// Unwrap gives an *Error.
func (e *ConfigError) Unwrap() error { return &Error{Result: e.Result} }

// InterruptedError is that the call's context or [Client.Close] ended it; the event may or may not
// be recorded. [errors.Is] finds [context.Canceled] or [context.DeadlineExceeded], what
// [context.Cause] gives (with Go 1.21 or newer), or [ErrClosed].
type InterruptedError struct {
	Result
	// Cause is what ended the call.
	Cause error
}

// Error is what ended the call.
func (e *InterruptedError) Error() string { return e.Result.problem() }

// Unwrap gives an *Error, which has the Cause.
func (e *InterruptedError) Unwrap() error { return &Error{Result: e.Result, Cause: e.Cause} }

// Timeout tells whether it was the context's deadline.
func (e *InterruptedError) Timeout() bool { return errors.Is(e.Cause, context.DeadlineExceeded) }

// ended is the end of a context: what ended it, found beside the context's own error.
type ended struct{ err, cause error }

func (e ended) Error() string        { return e.cause.Error() }
func (e ended) Unwrap() error        { return e.err }
func (e ended) Is(target error) bool { return errors.Is(e.cause, target) }
func (e ended) As(target any) bool   { return errors.As(e.cause, target) }

// ErrClosed is what [errors.Is] finds in the error of a call to a client that is closed, or is
// closed during the call.
var ErrClosed = errors.New("versioner: the client is closed")

// failure makes the error of a result that is not OK.
func failure(result Result, cause error) error {
	switch {
	case result.Code == Rejected:
		return &RejectedError{result}
	case result.Code == API:
		return &APIError{result}
	}
	switch result.Kind {
	case KindInterrupted:
		return &InterruptedError{result, cause}
	case KindInvalidArgument:
		return &ArgumentError{result}
	case KindConfig:
		return &ConfigError{result}
	case KindNetwork, KindTimeout, KindTLS:
		return &NetworkError{result}
	default:
		return &Error{result, cause}
	}
}

// invalid is the failure of what C could not be told.
func invalid(kind Kind, argument, message string) error {
	return failure(Result{Code: General, Kind: kind, Argument: argument, Message: message}, nil)
}

// closed is the failure of a call that did not begin, because the client is closed.
func closed() error {
	result := Result{Code: General, Kind: KindInvalidArgument, Message: "the client is closed"}
	return &Error{result, ErrClosed}
}
