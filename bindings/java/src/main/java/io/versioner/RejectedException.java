package io.versioner;

/** Policy forbids it: the deployment must not happen. */
public final class RejectedException extends VersionerException {
    private static final long serialVersionUID = 1L;

    RejectedException(Outcome outcome) {
        super(outcome);
    }
}
