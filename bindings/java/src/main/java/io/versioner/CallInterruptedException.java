package io.versioner;

/** The call was ended by its caller; the event may or may not be recorded. */
public final class CallInterruptedException extends VersionerException {
    private static final long serialVersionUID = 1L;

    /**
     * For tests of a program's own: of kind {@link Kind#INTERRUPTED}.
     *
     * @param message what went wrong
     */
    public CallInterruptedException(String message) {
        this(Outcome.of(Kind.INTERRUPTED, message));
    }

    /**
     * For tests of a program's own, with all that the service could say.
     *
     * @param outcome of kind {@link Kind#INTERRUPTED}
     * @throws IllegalArgumentException if the outcome is any other
     */
    public CallInterruptedException(Outcome outcome) {
        super(outcome);
    }
}
