// Generated from the core by `VERSIONER_WRITE_JAVA=1 cargo test -p versioner-jni generated`.
package io.versioner;

/** The finer reason under a {@link Code}. New ones are only ever appended. */
public enum Kind {
    /** The event is recorded, or taken by the service to be recorded later. */
    OK("ok", Code.OK),

    /** An argument is missing or malformed; nothing was sent. */
    INVALID_ARGUMENT("invalid_argument", Code.ERROR),

    /**
     * A setting, the configuration file, a proxy or a certificate file is unusable; nothing was
     * sent.
     */
    CONFIG("config", Code.ERROR),

    /** The service could not be reached or hung up. */
    NETWORK("network", Code.ERROR),

    /** The service did not answer in time. */
    TIMEOUT("timeout", Code.ERROR),

    /** The connection could not be secured, such as for an untrusted certificate. */
    TLS("tls", Code.ERROR),

    /** The caller cancelled the call; the event may or may not be recorded. */
    INTERRUPTED("interrupted", Code.ERROR),

    /** A fault of this library. */
    INTERNAL("internal", Code.ERROR),

    /** HTTP 401: the API key is wrong. */
    AUTHENTICATION("authentication", Code.API_ERROR),

    /** HTTP 403: the API key may not do this. */
    AUTHORIZATION("authorization", Code.API_ERROR),

    /** HTTP 404: nothing is there; is the API URL right? */
    NOT_FOUND("not_found", Code.API_ERROR),

    /** HTTP 422: the service refuses the event's values. */
    VALIDATION("validation", Code.API_ERROR),

    /** HTTP 429, after the last retry. */
    RATE_LIMITED("rate_limited", Code.API_ERROR),

    /** HTTP 5xx, after the last retry. */
    SERVER("server", Code.API_ERROR),

    /** HTTP 3xx: redirects are not followed. */
    REDIRECT("redirect", Code.API_ERROR),

    /** Any other HTTP answer. */
    HTTP("http", Code.API_ERROR),

    /** Another deployment of the product to the environment is in progress. */
    DEPLOYMENT_CONFLICT("deployment_conflict", Code.REJECTED),

    /** The schedule forbids deployments now. */
    NO_DEPLOY_WINDOW("no_deploy_window", Code.REJECTED),

    /** The version has not been through the environments that come first. */
    FLOW_VIOLATION("flow_violation", Code.REJECTED),

    /** The version has not been long enough in an environment that comes first. */
    INSUFFICIENT_SOAK_TIME("insufficient_soak_time", Code.REJECTED),

    /** Quality approval is missing. */
    QUALITY_APPROVAL_REQUIRED("quality_approval_required", Code.REJECTED),

    /** Release approval is missing. */
    APPROVAL_REQUIRED("approval_required", Code.REJECTED),

    /** The version exists already with other content. */
    VERSION_CONFLICT("version_conflict", Code.REJECTED),

    /** Rejected for a reason that this library does not know by name. */
    REJECTED("rejected", Code.REJECTED),

    /** While a deployment waited for its turn, another version was started there. */
    SUPERSEDED("superseded", Code.REJECTED),

    /**
     * Nothing is deployed there, or the product or environment is not known; the message says
     * which.
     */
    NOT_DEPLOYED("not_deployed", Code.API_ERROR);

    private final String text;
    private final Code code;

    Kind(String text, Code code) {
        this.text = text;
        this.code = code;
    }

    /**
     * The code that a failure of this kind has.
     *
     * @return the code
     */
    public Code code() {
        return code;
    }

    /**
     * The name that is the same on every surface.
     *
     * @return such as {@code flow_violation}
     */
    @Override
    public String toString() {
        return text;
    }

    static Kind of(String text, Code code) {
        for (Kind kind : values()) {
            if (kind.text.equals(text)) {
                return kind;
            }
        }
        switch (code) {
            case API_ERROR:
                return HTTP;
            case REJECTED:
                return REJECTED;
            default:
                return INTERNAL;
        }
    }
}
