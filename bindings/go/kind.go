//go:build cgo

package versioner

// Kind is the finer reason under a [Code]. New ones are only ever added: treat one that you do not
// know by its code.
type Kind string

// The kinds under [OK] and [General].
const (
	// KindOK: the event is recorded.
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
