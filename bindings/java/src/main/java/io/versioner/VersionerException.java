package io.versioner;

import java.util.Arrays;

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

    /**
     * For tests of a program's own: a fault of the library, of kind {@link Kind#INTERNAL}.
     *
     * @param message what went wrong
     */
    public VersionerException(String message) {
        this(Outcome.of(Kind.INTERNAL, message));
    }

    /**
     * For tests of a program's own.
     *
     * @param outcome of kind {@link Kind#INTERNAL}; the others have classes of their own
     * @throws IllegalArgumentException if the outcome is any other
     */
    public VersionerException(Outcome outcome) {
        super(outcome.message());
        this.outcome = outcome;
        Class<?> right = outcome.code() == Code.OK ? null : classOf(outcome.kind());
        if (right == null || !right.isInstance(this)) {
            throw new IllegalArgumentException(
                    "an outcome of code "
                            + outcome.code().number()
                            + " and kind "
                            + outcome.kind()
                            + (right == null ? " is no failure" : " is a " + right.getName()));
        }
    }

    /** What a call that ended otherwise than with code 0 throws. */
    private static Class<? extends VersionerException> classOf(Kind kind) {
        switch (kind) {
            case INVALID_ARGUMENT:
            case CONFIG:
                return UsageException.class;
            case NETWORK:
            case TIMEOUT:
            case TLS:
                return ConnectionException.class;
            case INTERRUPTED:
                return CallInterruptedException.class;
            default:
                switch (kind.code()) {
                    case API_ERROR:
                        return ApiException.class;
                    case REJECTED:
                        return RejectedException.class;
                    default:
                        return VersionerException.class;
                }
        }
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

    /** The texts after a tag, or the exception of an outcome that came in its place. */
    static String[] orTagged(String tag, String[] parts) {
        if (!parts[0].equals(tag)) {
            orOutcome(parts);
        }
        return Arrays.copyOfRange(parts, 1, parts.length);
    }

    /** The outcome of code 0, or the exception of any other. */
    static Outcome orOutcome(String[] parts) {
        return orOutcome(new Outcome(parts));
    }

    static Outcome orOutcome(Outcome outcome) {
        if (outcome.code() == Code.OK) {
            return outcome;
        }
        Class<?> type = classOf(outcome.kind());
        if (type == RejectedException.class) {
            throw new RejectedException(outcome);
        } else if (type == ApiException.class) {
            throw new ApiException(outcome);
        } else if (type == UsageException.class) {
            throw new UsageException(outcome);
        } else if (type == ConnectionException.class) {
            throw new ConnectionException(outcome);
        } else if (type == CallInterruptedException.class) {
            throw new CallInterruptedException(outcome);
        }
        throw new VersionerException(outcome);
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
