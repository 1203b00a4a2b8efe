package io.versioner;

/** The service answered, neither with success nor with a rejection. */
public final class ApiException extends VersionerException {
    private static final long serialVersionUID = 1L;

    ApiException(Outcome outcome) {
        super(outcome);
    }
}
