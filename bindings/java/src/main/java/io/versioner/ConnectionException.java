package io.versioner;

/** The service could not be reached, did not answer in time, or could not be trusted. */
public final class ConnectionException extends VersionerException {
    private static final long serialVersionUID = 1L;

    /**
     * For tests of a program's own: of kind {@link Kind#NETWORK}.
     *
     * @param message what went wrong
     */
    public ConnectionException(String message) {
        this(Outcome.of(Kind.NETWORK, message));
    }

    /**
     * For tests of a program's own, with all that the service could say.
     *
     * @param outcome of kind {@link Kind#NETWORK}, {@link Kind#TIMEOUT} or {@link Kind#TLS}
     * @throws IllegalArgumentException if the outcome is any other
     */
    public ConnectionException(Outcome outcome) {
        super(outcome);
    }
}
