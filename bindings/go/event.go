//go:build cgo

package versioner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Statuses of an event. Their aliases, such as "success", are understood as well.
const (
	StatusPending   = "pending"
	StatusStarted   = "started"
	StatusCompleted = "completed"
	StatusFailed    = "failed"
	StatusAborted   = "aborted"
)

// Statuses that only a [Result] has.
const (
	StatusNotRecorded = "not_recorded"
	StatusAccepted    = "accepted"
	StatusQueued      = "queued"
)

// Timestamp is a moment as RFC 3339 with a zone. [At] makes one of a [time.Time]; "" is unset.
type Timestamp string

// At is a moment; unset if it is the zero time.
func At(moment time.Time) Timestamp {
	if moment.IsZero() {
		return ""
	}
	if _, offset := moment.Zone(); offset%60 != 0 {
		moment = moment.UTC() // RFC 3339 has no seconds in an offset, and Format drops them
	}
	return Timestamp(moment.Format(time.RFC3339Nano))
}

// Build is something that was built. What is "" is unset, and taken from VERSIONER_*
// variables, the configuration file and the CI system.
type Build struct {
	// Product is the name of the product. Required, or detected.
	Product string
	// Version that was built. Required, or detected.
	Version string
	// Status is pending, started, completed, failed or aborted, or an alias such as success.
	// Default: completed.
	Status string
	// SourceSystem is the CI system that sends the event, such as github.
	SourceSystem string
	// BuildNumber is the number of the build in its CI system.
	BuildNumber string
	// SCMSHA is the commit that was built.
	SCMSHA string
	// SCMBranch is the branch that was built.
	SCMBranch string
	// SCMRepository is the repository, such as owner/name.
	SCMRepository string
	// BuildURL is a link to the build.
	BuildURL string
	// InvokeID identifies the run in its CI system.
	InvokeID string
	// BuiltBy is the login of whoever built it.
	BuiltBy string
	// BuiltByEmail is the mail address of whoever built it.
	BuiltByEmail string
	// BuiltByName is the name of whoever built it.
	BuiltByName string
	// StartedAt is when the build started.
	StartedAt Timestamp
	// CompletedAt is when the build ended.
	CompletedAt Timestamp
	// ExtraMetadata is a JSON object of your own, at most 102,400 bytes: its text (string, []byte
	// or [json.RawMessage], whose numbers travel as written), or what [json.Marshal] makes an
	// object of, such as a map or a struct.
	ExtraMetadata any
	// Timeout is the longest that this call may take with all its attempts and pauses, in place of
	// the client's total timeout, counted from its turn; at least 1 ms. What runs out of it is a
	// [*NetworkError] of kind [KindTimeout]. 0 means the client's.
	Timeout time.Duration
	// AllowLiteral sends Product and Version as they are, even if one holds what looks like
	// a placeholder that nobody replaced, with a warning. Default: false.
	AllowLiteral bool
	// IdempotencyKey makes two calls one event, such as a CI's retry of a step: 1 to 255 visible
	// ASCII characters. Default: a new one for each call.
	IdempotencyKey string
}

// Deployment is something that is deployed. With Status "started" it is checked against policy
// before it happens.
//
// What is "" is unset, and taken from VERSIONER_* variables, the configuration file and
// the CI system: Go cannot tell a value that is given and blank from one that is not given. Look
// at what you read from variables before you hand it over, the Environment above all: else another
// one may be asked for. A start whose Environment was found elsewhere has the warning
// [WarnEnvironmentFrom].
type Deployment struct {
	// Product is the name of the product. Required, or detected.
	Product string
	// Version that is deployed. Required, or detected.
	Version string
	// Environment it is deployed to. Required, or detected.
	Environment string
	// Status is pending, started, completed, failed or aborted, or an alias such as success.
	// Default: completed.
	Status string
	// SourceSystem is the CI system that sends the event, such as github.
	SourceSystem string
	// BuildNumber is the number of the build in its CI system.
	BuildNumber string
	// SCMSHA is the commit that is deployed.
	SCMSHA string
	// SCMBranch is the branch that is deployed.
	SCMBranch string
	// SCMRepository is the repository, such as owner/name.
	SCMRepository string
	// BuildURL is a link to the build that made the version.
	BuildURL string
	// DeployURL is a link to the run that deploys.
	DeployURL string
	// InvokeID identifies the run in its CI system.
	InvokeID string
	// DeployedBy is the login of whoever deploys.
	DeployedBy string
	// DeployedByEmail is the mail address of whoever deploys.
	DeployedByEmail string
	// DeployedByName is the name of whoever deploys.
	DeployedByName string
	// CompletedAt is when the deployment ended.
	CompletedAt Timestamp
	// ExtraMetadata is a JSON object of your own, at most 102,400 bytes: its text (string, []byte
	// or [json.RawMessage], whose numbers travel as written), or what [json.Marshal] makes an
	// object of, such as a map or a struct.
	ExtraMetadata any
	// SkipPreflightChecks asks the service to skip its preflight checks; nil means no. Deprecated
	// by the service: set the rule to report-only there.
	SkipPreflightChecks *bool
	// SkipReason is why the preflight checks are skipped; kept with the event. Without one,
	// SkipPreflightChecks comes with a warning that asks for it.
	SkipReason string
	// Part is which of several legs of one run this is, such as a region of a matrix, in at most 64
	// characters: the legs of one run and version are one deployment, which ends when every leg that
	// started has ended, as the worst of them. Default: none.
	Part string
	// Lease is, of a [Span], how long it stays in progress after the last sign of life, from 1 s to
	// 24 h: what is left by a process that was killed ends itself after that. [Client.Deploy] gives
	// signs of life, [Span.Renew] is one. 0 means as long as the service says.
	Lease time.Duration
	// Wait is, of a start, how long to wait for its gate if a window, a soak time, an approval or
	// another deployment keeps it closed; at least 1 ms. A service that cannot be reached is asked again
	// until then, in best-effort mode too. Timeout is then of each asking, and the context ends the wait
	// at any moment. The logger hears at [LevelInfo] what it has come to, once for each change. 0 does
	// not wait.
	Wait time.Duration
	// WaitFor is what else to wait for: "flow" for the environments that come first. Default: such a
	// rejection ends the wait at once.
	WaitFor string
	// WaitSuperseded is what to do if another version was started there meanwhile: "stop" ends the wait
	// with a [*RejectedError] of kind [KindSuperseded], so that an older version does not go out last by
	// luck; "go" waits on. Default: "stop".
	WaitSuperseded string
	// Timeout is the longest that this call may take with all its attempts and pauses, in place of
	// the client's total timeout, counted from its turn; at least 1 ms. What runs out of it is a
	// [*NetworkError] of kind [KindTimeout]. 0 means the client's.
	Timeout time.Duration
	// AllowLiteral sends Product, Environment and Version as they are, even if one holds what looks like
	// a placeholder that nobody replaced, with a warning. Default: false.
	AllowLiteral bool
	// IdempotencyKey makes two calls one event, such as a CI's retry of a step: 1 to 255 visible
	// ASCII characters. Default: a new one for each call.
	IdempotencyKey string
}

// checkDuration refuses what C could not be told.
func checkDuration(name string, duration time.Duration) error {
	if duration == 0 || duration >= time.Millisecond {
		return nil
	}
	return invalid(KindInvalidArgument, name, fmt.Sprintf("%s must be at least 1ms, but is %v", name, duration))
}

// metadata is the JSON text of ExtraMetadata, "" if it is unset.
func metadata(value any) (string, error) {
	switch value := value.(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	case []byte:
		return string(value), nil
	case json.RawMessage:
		return string(value), nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", invalid(KindInvalidArgument, "extra_metadata", "extra_metadata cannot be told as JSON: "+err.Error())
	}
	if text.String() == "null\n" { // a nil map or pointer
		return "", nil
	}
	return text.String(), nil
}
