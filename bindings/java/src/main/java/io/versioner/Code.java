// Generated from the core by `VERSIONER_WRITE_JAVA=1 cargo test -p versioner-jni generated`.
package io.versioner;

/**
 * How a call ended, in the four numbers that every surface shares; the command line exits with
 * them. They never grow.
 */
public enum Code {
    /**
     * Recorded; or taken by the service to be recorded later; or not recorded in best-effort mode.
     * {@link Outcome#recorded()} tells.
     */
    OK(0),

    /** A bad argument, a bad configuration, a network failure, or an interruption. */
    ERROR(1),

    /** The service answered, neither with success nor with a rejection. */
    API_ERROR(4),

    /** Policy forbids it: the deployment must not happen. */
    REJECTED(5);

    private final int number;

    Code(int number) {
        this.number = number;
    }

    /**
     * The number.
     *
     * @return 0, 1, 4 or 5
     */
    public int number() {
        return number;
    }

    static Code of(String number) {
        for (Code code : values()) {
            if (number.equals(String.valueOf(code.number))) {
                return code;
            }
        }
        return ERROR;
    }
}
