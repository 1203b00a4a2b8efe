// Generated from the core by `VERSIONER_WRITE_JAVA=1 cargo test -p versioner-jni generated`.
package io.versioner;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;

/**
 * Something was built.
 *
 * <p>What is unset is taken from {@code VERSIONER_*} variables, the configuration file and the CI
 * system, in this order.
 */
public final class BuildEvent extends Event {
    private BuildEvent(String[] values) {
        super(Layout.BUILD, values);
    }

    /**
     * Starts an event.
     *
     * @return an empty builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * An event with the values of a map, such as Groovy's named arguments.
     *
     * <p>The names are those that every surface shares, such as {@code scm_sha}. Values are texts,
     * integers, {@code BigDecimal}, URLs or enums, taken as their text; null is unset. Times may be
     * an {@code Instant}, {@code OffsetDateTime}, {@code ZonedDateTime} or {@code Date}, {@code
     * extra_metadata} a map, {@code skip_preflight_checks} and {@code allow_literal} a boolean or a
     * word for one, {@code timeout}, {@code lease} and {@code wait} a {@code Duration} or a number
     * of seconds.
     *
     * @param values the values by name
     * @return the event
     * @throws IllegalArgumentException if a name is none of this event's
     * @throws UsageException if a value is of a type that its field cannot have
     */
    public static BuildEvent of(Map<String, ?> values) {
        return builder().setAll(values).build();
    }

    /** Collects the values of an event. */
    public static final class Builder extends Event.Builder<Builder> {
        private Builder() {
            super(Layout.BUILD);
        }

        /**
         * Name of the product. Required, or detected.
         *
         * @param product the value; null is unset, blank is refused when the event is tracked
         * @return this builder
         */
        public Builder product(String product) {
            return set(0, product);
        }

        /**
         * Version that was built. Required, or detected.
         *
         * @param version the value; null is unset, blank is refused when the event is tracked
         * @return this builder
         */
        public Builder version(String version) {
            return set(1, version);
        }

        /**
         * pending, started, completed, failed or aborted, or an alias such as success. Default:
         * completed.
         *
         * @param status the value; null is unset, blank is refused when the event is tracked
         * @return this builder
         */
        public Builder status(String status) {
            return set(2, status);
        }

        /**
         * CI system that sends the event, such as {@code github}.
         *
         * @param sourceSystem the value; null or blank is unset
         * @return this builder
         */
        public Builder sourceSystem(String sourceSystem) {
            return set(3, sourceSystem);
        }

        /**
         * Number of the build in its CI system.
         *
         * @param buildNumber the value; null or blank is unset
         * @return this builder
         */
        public Builder buildNumber(String buildNumber) {
            return set(4, buildNumber);
        }

        /**
         * Commit that was built.
         *
         * @param scmSha the value; null or blank is unset
         * @return this builder
         */
        public Builder scmSha(String scmSha) {
            return set(5, scmSha);
        }

        /**
         * Branch that was built.
         *
         * @param scmBranch the value; null or blank is unset
         * @return this builder
         */
        public Builder scmBranch(String scmBranch) {
            return set(6, scmBranch);
        }

        /**
         * Repository, such as {@code owner/name}.
         *
         * @param scmRepository the value; null or blank is unset
         * @return this builder
         */
        public Builder scmRepository(String scmRepository) {
            return set(7, scmRepository);
        }

        /**
         * Link to the build.
         *
         * @param buildUrl the value; null or blank is unset
         * @return this builder
         */
        public Builder buildUrl(String buildUrl) {
            return set(8, buildUrl);
        }

        /**
         * Identifier of the run in its CI system.
         *
         * @param invokeId the value; null or blank is unset
         * @return this builder
         */
        public Builder invokeId(String invokeId) {
            return set(9, invokeId);
        }

        /**
         * Login of whoever built it.
         *
         * @param builtBy the value; null or blank is unset
         * @return this builder
         */
        public Builder builtBy(String builtBy) {
            return set(10, builtBy);
        }

        /**
         * Mail address of whoever built it.
         *
         * @param builtByEmail the value; null or blank is unset
         * @return this builder
         */
        public Builder builtByEmail(String builtByEmail) {
            return set(11, builtByEmail);
        }

        /**
         * Name of whoever built it.
         *
         * @param builtByName the value; null or blank is unset
         * @return this builder
         */
        public Builder builtByName(String builtByName) {
            return set(12, builtByName);
        }

        /**
         * When the build started, RFC 3339 with a zone.
         *
         * @param startedAt the value; null or blank is unset
         * @return this builder
         */
        public Builder startedAt(String startedAt) {
            return set(13, startedAt);
        }

        /**
         * When the build started, RFC 3339 with a zone.
         *
         * @param startedAt the moment; null is unset
         * @return this builder
         */
        public Builder startedAt(Instant startedAt) {
            return set(13, startedAt);
        }

        /**
         * When the build started, RFC 3339 with a zone.
         *
         * @param startedAt the moment; null is unset
         * @return this builder
         */
        public Builder startedAt(OffsetDateTime startedAt) {
            return set(13, startedAt);
        }

        /**
         * When the build ended, RFC 3339 with a zone.
         *
         * @param completedAt the value; null or blank is unset
         * @return this builder
         */
        public Builder completedAt(String completedAt) {
            return set(14, completedAt);
        }

        /**
         * When the build ended, RFC 3339 with a zone.
         *
         * @param completedAt the moment; null is unset
         * @return this builder
         */
        public Builder completedAt(Instant completedAt) {
            return set(14, completedAt);
        }

        /**
         * When the build ended, RFC 3339 with a zone.
         *
         * @param completedAt the moment; null is unset
         * @return this builder
         */
        public Builder completedAt(OffsetDateTime completedAt) {
            return set(14, completedAt);
        }

        /**
         * A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
         * written; its keys win over detected ones.
         *
         * @param extraMetadata the value; null or blank is unset
         * @return this builder
         */
        public Builder extraMetadata(String extraMetadata) {
            return set(15, extraMetadata);
        }

        /**
         * An object of the caller's own, sent as JSON of at most 102,400 bytes; its keys win over
         * detected ones.
         *
         * @param extraMetadata the members; null is unset. Values are texts, numbers (a {@code
         *     BigDecimal} keeps its digits), booleans, null, times, lists, arrays and maps
         * @return this builder
         * @throws UsageException if something in it has no JSON, such as NaN
         */
        public Builder extraMetadata(Map<String, ?> extraMetadata) {
            return set(15, extraMetadata);
        }

        /**
         * Sends a product, environment or version that looks like a placeholder which nobody
         * replaced, such as {@code ${VERSION}}, with a warning.
         *
         * @param allowLiteral whether to send it. Default: false, it is refused
         * @return this builder
         */
        public Builder allowLiteral(boolean allowLiteral) {
            return set(16, allowLiteral);
        }

        /**
         * The longest that this call may take with all its attempts and pauses, in place of the
         * client's total timeout.
         *
         * @param timeout at least a millisecond; null is unset. Default: the client's
         * @return this builder
         */
        public Builder timeout(Duration timeout) {
            return set(17, timeout);
        }

        /**
         * What makes two calls one event, such as a CI's retry of a step: 1 to 255 visible ASCII
         * characters.
         *
         * @param idempotencyKey the key; null is a new one for each call, blank is refused
         * @return this builder
         */
        public Builder idempotencyKey(String idempotencyKey) {
            return set(18, idempotencyKey);
        }

        /**
         * Makes the event. Its values are checked when it is tracked.
         *
         * @return the event
         */
        public BuildEvent build() {
            return new BuildEvent(values());
        }
    }
}
