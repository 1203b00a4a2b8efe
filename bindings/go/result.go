package versioner

// #include <versioner.h>
import "C"

import "encoding/json"

// Result is how a call ended. Absent texts are empty.
type Result struct {
	// Code is the code that every surface shares, and the exit code of the command line.
	Code Code `json:"code"`
	// Kind is the finer reason; [KindOK] if the event is recorded, or taken to be.
	Kind Kind `json:"kind"`
	// Message says what went wrong and what to do.
	Message string `json:"message"`
	// Argument is the argument or setting at fault.
	Argument string `json:"argument"`
	// HTTPStatus is the status of the last answer; 0 if there was none.
	HTTPStatus int `json:"http_status"`
	// Attempts is how often the event was sent.
	Attempts int `json:"attempts"`
	// Recorded tells whether the service recorded the event. False without an error in best-effort
	// mode, and if the service has taken the event without recording it yet.
	Recorded      bool   `json:"recorded"`
	EventID       string `json:"event_id"`
	ProductID     string `json:"product_id"`
	VersionID     string `json:"version_id"`
	EnvironmentID string `json:"environment_id"`
	// Status is the recorded status, or [StatusAccepted] if the service has taken the event without
	// recording it yet; of one that could not be recorded [StatusQueued] if the outbox keeps it, and in
	// best-effort mode [StatusNotRecorded].
	Status string `json:"status"`
	// DeployedAt is when the service says that the deployment was, RFC 3339.
	DeployedAt string `json:"deployed_at"`
	// Version is the version that is deployed, of [Client.DeployedVersion].
	Version string `json:"version"`
	// Data is the JSON that was asked for, of calls that ask; else nil.
	Data json.RawMessage `json:"data"`
	// SourceSystem is the CI system that was named or detected.
	SourceSystem string `json:"source_system"`
	// Features are what the service offers beyond events, such as "preflight", as its answer lists
	// it; empty if it lists nothing.
	Features []string `json:"features"`
	// Rule is the name of the rule that rejected the event.
	Rule string `json:"rule"`
	// PolicyCode is the service's code of a rejection, such as "FLOW_VIOLATION".
	PolicyCode string `json:"policy_code"`
	// RetryAfter is when to try again after a rejection, RFC 3339 as the service wrote it.
	RetryAfter string `json:"retry_after"`
	// Details are further facts about a rejection, a JSON object; nil if there are none.
	Details json.RawMessage `json:"details"`
	// Text is the block that the command line prints for people.
	Text     string    `json:"text"`
	Warnings []Warning `json:"warnings"`
}

// Warning is something that went well enough, but that somebody should know.
type Warning struct {
	// Kind is what it is about.
	Kind WarningKind `json:"kind"`
	// Message is what to tell people.
	Message string `json:"message"`
	// Rule is the violated rule of a [WarnReportOnly] warning.
	Rule string `json:"rule"`
}

// Code is how a call ended, the same numbers as the command line's exit codes. They never grow.
type Code int

// The codes.
const (
	// OK: recorded, or taken by the service to be recorded later, or not recorded in best-effort
	// mode; Recorded tells.
	OK Code = C.VERSIONER_OK
	// General: a bad argument, a bad configuration, a network failure, or an interruption.
	General Code = C.VERSIONER_ERROR
	// API: the service answered, neither with success nor with a rejection.
	API Code = C.VERSIONER_API_ERROR
	// Rejected: policy forbids it.
	Rejected Code = C.VERSIONER_REJECTED
)

// Level is how much a log message matters.
type Level int

// The levels.
const (
	LevelWarning Level = C.VERSIONER_LOG_WARNING
	LevelInfo    Level = C.VERSIONER_LOG_INFO
	LevelDebug   Level = C.VERSIONER_LOG_DEBUG
)

// problem is the text of an error.
func (r *Result) problem() string {
	if r.Message != "" {
		return "versioner: " + r.Message
	}
	return "versioner: " + string(r.Kind)
}

// take reads a C result and frees it; NULL is that of a success that asked for nothing.
func take(raw *C.versioner_result) Result {
	if raw == nil {
		return Result{Kind: KindOK}
	}
	defer C.versioner_result_free(raw)
	text := C.GoString(C.versioner_result_json(raw))
	var result Result
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		message := "libversioner gave a result that is no JSON: " + err.Error()
		return Result{Code: General, Kind: KindInternal, Message: message}
	}
	if string(result.Details) == "null" {
		result.Details = nil
	}
	if string(result.Data) == "null" {
		result.Data = nil
	}
	return result
}
