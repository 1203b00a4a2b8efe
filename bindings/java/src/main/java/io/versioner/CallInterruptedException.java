package io.versioner;

/** The call was ended by its caller; the event may or may not be recorded. */
public final class CallInterruptedException extends VersionerException {
    private static final long serialVersionUID = 1L;

    CallInterruptedException(Outcome outcome) {
        super(outcome);
    }
}
