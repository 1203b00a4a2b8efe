package io.versioner;

/** Where messages go. */
final class Log {
    private Log() {}

    /**
     * {@return a listener that never throws, because the call that tells something must go on}
     *
     * @param given null is the logger of the system, for warnings
     */
    static LogListener of(LogListener given) {
        LogListener listener = given == null ? Log::toSystem : given;
        return (level, message) -> {
            try {
                listener.log(level, message);
            } catch (Throwable ignored) {
                // There is nobody else to tell.
            }
        };
    }

    private static void toSystem(LogListener.Level level, String message) {
        System.getLogger("io.versioner")
                .log(System.Logger.Level.WARNING, message.replace('\n', ' '));
    }
}
