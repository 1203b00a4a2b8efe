package io.versioner;

/**
 * A call that ended with another code than {@link Code#OK}. {@link #outcome()} has everything about
 * it. What to do about it tells the class: {@link UsageException}, {@link ConnectionException},
 * {@link CallInterruptedException}, {@link ApiException}, {@link RejectedException}; this class
 * itself is a fault of the library.
 */
public class VersionerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** How the call ended. */
    private final Outcome outcome;

    VersionerException(Outcome outcome) {
        super(outcome.message());
        this.outcome = outcome;
    }

    /** {@return how the call ended} */
    public Outcome outcome() {
        return outcome;
    }

    /** {@return 1, 4 or 5} */
    public Code code() {
        return outcome.code();
    }

    /** {@return the finer reason} */
    public Kind kind() {
        return outcome.kind();
    }

    /** The outcome of code 0, or the exception of any other. */
    static Outcome orOutcome(String[] parts) {
        Outcome outcome = new Outcome(parts);
        switch (outcome.code()) {
            case OK:
                return outcome;
            case API_ERROR:
                throw new ApiException(outcome);
            case REJECTED:
                throw new RejectedException(outcome);
            default:
                throw general(outcome);
        }
    }

    private static VersionerException general(Outcome outcome) {
        switch (outcome.kind()) {
            case INVALID_ARGUMENT:
            case CONFIG:
                return new UsageException(outcome);
            case NETWORK:
            case TIMEOUT:
            case TLS:
                return new ConnectionException(outcome);
            case INTERRUPTED:
                return new CallInterruptedException(outcome);
            default:
                return new VersionerException(outcome);
        }
    }

    /** What the native library answers; a fault in it becomes an exception of kind internal. */
    static byte[] guarded(Native.Call call) {
        try {
            return call.answer();
        } catch (RuntimeException fault) {
            VersionerException internal = new VersionerException(Outcome.internal(fault));
            internal.initCause(fault);
            throw internal;
        }
    }
}
