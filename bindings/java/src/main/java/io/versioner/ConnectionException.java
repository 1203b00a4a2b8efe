package io.versioner;

/** The service could not be reached, did not answer in time, or could not be trusted. */
public final class ConnectionException extends VersionerException {
    private static final long serialVersionUID = 1L;

    ConnectionException(Outcome outcome) {
        super(outcome);
    }
}
