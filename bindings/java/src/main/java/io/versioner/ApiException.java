package io.versioner;

/** The service answered, neither with success nor with a rejection. */
public final class ApiException extends VersionerException {
    private static final long serialVersionUID = 1L;

    /**
     * For tests of a program's own: of kind {@link Kind#HTTP}.
     *
     * @param message what went wrong
     */
    public ApiException(String message) {
        this(Outcome.of(Kind.HTTP, message));
    }

    /**
     * For tests of a program's own, with all that the service could say.
     *
     * @param outcome of code {@link Code#API_ERROR}
     * @throws IllegalArgumentException if the outcome is any other
     */
    public ApiException(Outcome outcome) {
        super(outcome);
    }
}
