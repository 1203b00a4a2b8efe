package io.versioner;

/** Receives what a client tells while it works. Messages never hold the API key. */
@FunctionalInterface
public interface LogListener {
    /** How much a message matters. */
    enum Level {
        /** Somebody should know. */
        WARNING,
        /** What a verbose run shows, such as certificates that are left out. */
        INFO,
        /** What helps to find a fault, such as each attempt. */
        DEBUG;

        static Level of(int number) {
            return values()[number - 1];
        }

        /** As the native library numbers it. */
        int number() {
            return ordinal() + 1;
        }
    }

    /**
     * Receives a message, on the thread of the call. Must not block for long; what it throws is
     * ignored.
     *
     * @param level how much it matters
     * @param message what to tell people
     */
    void log(Level level, String message);
}
