package io.versioner;

/** Policy forbids it: the deployment must not happen. */
public final class RejectedException extends VersionerException {
    private static final long serialVersionUID = 1L;

    /**
     * For tests of a program's own: of kind {@link Kind#REJECTED}.
     *
     * @param message what went wrong
     */
    public RejectedException(String message) {
        this(Outcome.of(Kind.REJECTED, message));
    }

    /**
     * For tests of a program's own, with all that the service could say.
     *
     * @param outcome of code {@link Code#REJECTED}
     * @throws IllegalArgumentException if the outcome is any other
     */
    public RejectedException(Outcome outcome) {
        super(outcome);
    }
}
