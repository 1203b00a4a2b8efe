package io.versioner;

/** An argument or a setting is missing or unusable; nothing was sent. */
public final class UsageException extends VersionerException {
    private static final long serialVersionUID = 1L;

    UsageException(Outcome outcome) {
        super(outcome);
    }
}
