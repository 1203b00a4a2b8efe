//go:build cgo

package versioner

// Kind is the finer reason under a [Code]. New ones are only ever added: treat one that you do not
// know by its code.
type Kind string

// The kinds under [OK] and [General].
const (
	// KindOK: the event is recorded, or taken by the service to be recorded later.
	KindOK Kind = "ok"
	// KindInvalidArgument: an argument is missing or malformed; nothing was sent.
	KindInvalidArgument Kind = "invalid_argument"
	// KindConfig: a setting, the configuration file, a proxy or a certificate file is unusable;
	// nothing was sent.
	KindConfig Kind = "config"
	// KindNetwork: the service could not be reached or hung up.
	KindNetwork Kind = "network"
	// KindTimeout: the service did not answer in time.
	KindTimeout Kind = "timeout"
	// KindTLS: the connection could not be secured, such as for an untrusted certificate.
	KindTLS Kind = "tls"
	// KindInterrupted: the call was cancelled; the event may or may not be recorded.
	KindInterrupted Kind = "interrupted"
	// KindInternal: a fault of this library.
	KindInternal Kind = "internal"
)

// The kinds under [API].
const (
	// KindAuthentication is HTTP 401: the API key is wrong.
	KindAuthentication Kind = "authentication"
	// KindAuthorization is HTTP 403: the API key may not do this.
	KindAuthorization Kind = "authorization"
	// KindNotFound is HTTP 404: nothing is there; is the API URL right?
	KindNotFound Kind = "not_found"
	// KindValidation is HTTP 422: the service refuses the event's values.
	KindValidation Kind = "validation"
	// KindRateLimited is HTTP 429, after the last retry.
	KindRateLimited Kind = "rate_limited"
	// KindServer is HTTP 5xx, after the last retry.
	KindServer Kind = "server"
	// KindRedirect is HTTP 3xx: redirects are not followed.
	KindRedirect Kind = "redirect"
	// KindHTTP is any other HTTP answer.
	KindHTTP Kind = "http"
	// KindNotDeployed: nothing is deployed there, or the product or environment is not known; the
	// message says which.
	KindNotDeployed Kind = "not_deployed"
)

// The kinds under [Rejected].
const (
	// KindDeploymentConflict: another deployment of the product to the environment is in progress.
	KindDeploymentConflict Kind = "deployment_conflict"
	// KindNoDeployWindow: the schedule forbids deployments now.
	KindNoDeployWindow Kind = "no_deploy_window"
	// KindFlowViolation: the version has not been through the environments that come first.
	KindFlowViolation Kind = "flow_violation"
	// KindInsufficientSoakTime: the version has not been long enough in an environment that comes
	// first.
	KindInsufficientSoakTime Kind = "insufficient_soak_time"
	// KindQualityApprovalRequired: quality approval is missing.
	KindQualityApprovalRequired Kind = "quality_approval_required"
	// KindApprovalRequired: release approval is missing.
	KindApprovalRequired Kind = "approval_required"
	// KindVersionConflict: the version exists already with other content.
	KindVersionConflict Kind = "version_conflict"
	// KindRejected: rejected for a reason that this library does not know by name.
	KindRejected Kind = "rejected"
	// KindSuperseded: while a deployment waited for its turn, another version was started there.
	KindSuperseded Kind = "superseded"
)

// WarningKind is what a [Warning] is about. New ones are only ever added.
type WarningKind string

// The kinds of warnings.
const (
	// WarnUnknownStatus: the status is none that this library knows; it was sent as given.
	WarnUnknownStatus WarningKind = "unknown_status"
	// WarnPartialSuccess: the status was a word for a success that is not a clean one, such as unstable.
	WarnPartialSuccess WarningKind = "partial_success"
	// WarnSkipPreflight: skipping preflight checks is deprecated.
	WarnSkipPreflight WarningKind = "skip_preflight"
	// WarnEnvironmentFrom: nobody named the environment of a deployment that starts; it was found
	// elsewhere.
	WarnEnvironmentFrom WarningKind = "environment_from"
	// WarnPlaceholder: a value holds a placeholder that nobody replaced, such as $(Version).
	WarnPlaceholder WarningKind = "placeholder"
	// WarnInsecureURL: the API key travels unencrypted.
	WarnInsecureURL WarningKind = "insecure_url"
	// WarnUnusualKey: the API key does not look like one.
	WarnUnusualKey WarningKind = "unusual_key"
	// WarnIgnoredSetting: a setting stands where it is not read.
	WarnIgnoredSetting WarningKind = "ignored_setting"
	// WarnOwnVersion: VERSIONER_VERSION is the version of this library; was it meant for the
	// installer?
	WarnOwnVersion WarningKind = "own_version"
	// WarnReportOnly: a rule in report-only mode is violated.
	WarnReportOnly WarningKind = "report_only"
	// WarnAccepted: the service has taken the event and not yet recorded it.
	WarnAccepted WarningKind = "accepted"
	// WarnNewEnvironment: the environment was not known to the service until this deployment.
	WarnNewEnvironment WarningKind = "new_environment"
	// WarnNotRecorded: best-effort mode: the event is not recorded.
	WarnNotRecorded WarningKind = "not_recorded"
	// WarnQueued: the event could not be delivered and is kept in the outbox, to be delivered later.
	WarnQueued WarningKind = "queued"
	// WarnOutboxFull: the outbox is full: the event could not be delivered and is not kept.
	WarnOutboxFull WarningKind = "outbox_full"
	// WarnOutbox: something became of events in the outbox that somebody should know.
	WarnOutbox WarningKind = "outbox"
)
