package io.versioner;

import java.time.Duration;
import java.util.Map;

/** How a deployment or build ended. */
public final class End extends Event {
    private End(String[] values) {
        super(Layout.END, values);
    }

    /**
     * Starts an end.
     *
     * @return an empty builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * An end with the values of a map, such as Groovy's named arguments; see {@link
     * DeploymentEvent#of}.
     *
     * @param values the values by name: {@code status}, {@code exit_code}, {@code signal}, {@code
     *     error_class}, {@code extra_metadata}, {@code timeout}
     * @return the end
     * @throws IllegalArgumentException if a name is none of an end's
     * @throws UsageException if a value is of a type that it cannot have
     */
    public static End of(Map<String, ?> values) {
        return builder().setAll(values).build();
    }

    /** Collects the values of an end. */
    public static final class Builder extends Event.Builder<Builder> {
        private Builder() {
            super(Layout.END);
        }

        /**
         * completed, failed or aborted, or an alias such as success. Required: nothing is a success
         * because nobody said otherwise.
         *
         * @param status the word
         * @return this builder
         */
        public Builder status(String status) {
            return set(0, status);
        }

        /**
         * The exit code of the command that was run; kept as {@code vi_exit_code}.
         *
         * @param exitCode the code
         * @return this builder
         */
        public Builder exitCode(int exitCode) {
            return set(1, exitCode);
        }

        /**
         * The signal that ended that command; kept as {@code vi_signal}.
         *
         * @param signal such as {@code TERM}; null or blank is none
         * @return this builder
         */
        public Builder signal(String signal) {
            return set(2, signal);
        }

        /**
         * The class of the error that ended it, never its message; kept as {@code vi_error_class}.
         *
         * @param errorClass such as {@code java.io.IOException}; null or blank is none
         * @return this builder
         */
        public Builder errorClass(String errorClass) {
            return set(3, errorClass);
        }

        /**
         * An object of the caller's own, at most 102,400 bytes, over that of the start.
         *
         * @param extraMetadata JSON; null or blank is none
         * @return this builder
         */
        public Builder extraMetadata(String extraMetadata) {
            return set(4, extraMetadata);
        }

        /**
         * An object of the caller's own, sent as JSON, at most 102,400 bytes, over that of the
         * start.
         *
         * @param extraMetadata the members; null is none
         * @return this builder
         * @throws UsageException if something in it has no JSON, such as NaN
         */
        public Builder extraMetadata(Map<String, ?> extraMetadata) {
            return set(4, extraMetadata);
        }

        /**
         * The longest that the telling may take with all its attempts and pauses, in place of the
         * client's total timeout.
         *
         * @param timeout at least a millisecond; null is unset. Default: the client's
         * @return this builder
         */
        public Builder timeout(Duration timeout) {
            return set(5, timeout);
        }

        /**
         * Makes the end. Its values are checked when it is told.
         *
         * @return the end
         */
        public End build() {
            return new End(values());
        }
    }
}
