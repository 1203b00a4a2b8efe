// Generated from the core by `VERSIONER_WRITE_JAVA=1 cargo test -p versioner-jni generated`.
package io.versioner;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;

/**
 * Something is deployed. With status {@code started} the service checks it against policy first,
 * and a {@link RejectedException} means that the deployment must not happen.
 *
 * <p>What is unset is taken from {@code VERSIONER_*} variables, the configuration file and the CI
 * system, in this order.
 */
public final class DeploymentEvent extends Event {
    private DeploymentEvent(String[] values) {
        super(Layout.DEPLOYMENT, values);
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
    public static DeploymentEvent of(Map<String, ?> values) {
        return builder().setAll(values).build();
    }

    /** Collects the values of an event. */
    public static final class Builder extends Event.Builder<Builder> {
        private Builder() {
            super(Layout.DEPLOYMENT);
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
         * Version that is deployed. Required, or detected.
         *
         * @param version the value; null is unset, blank is refused when the event is tracked
         * @return this builder
         */
        public Builder version(String version) {
            return set(1, version);
        }

        /**
         * Environment it is deployed to. Required, or detected.
         *
         * @param environment the value; null is unset, blank is refused when the event is tracked
         * @return this builder
         */
        public Builder environment(String environment) {
            return set(2, environment);
        }

        /**
         * pending, started, completed, failed or aborted, or an alias such as success. Default:
         * completed.
         *
         * @param status the value; null is unset, blank is refused when the event is tracked
         * @return this builder
         */
        public Builder status(String status) {
            return set(3, status);
        }

        /**
         * CI system that sends the event, such as {@code github}.
         *
         * @param sourceSystem the value; null or blank is unset
         * @return this builder
         */
        public Builder sourceSystem(String sourceSystem) {
            return set(4, sourceSystem);
        }

        /**
         * Number of the build in its CI system.
         *
         * @param buildNumber the value; null or blank is unset
         * @return this builder
         */
        public Builder buildNumber(String buildNumber) {
            return set(5, buildNumber);
        }

        /**
         * Commit that is deployed.
         *
         * @param scmSha the value; null or blank is unset
         * @return this builder
         */
        public Builder scmSha(String scmSha) {
            return set(6, scmSha);
        }

        /**
         * Branch that is deployed.
         *
         * @param scmBranch the value; null or blank is unset
         * @return this builder
         */
        public Builder scmBranch(String scmBranch) {
            return set(7, scmBranch);
        }

        /**
         * Repository, such as {@code owner/name}.
         *
         * @param scmRepository the value; null or blank is unset
         * @return this builder
         */
        public Builder scmRepository(String scmRepository) {
            return set(8, scmRepository);
        }

        /**
         * Link to the build that made the version.
         *
         * @param buildUrl the value; null or blank is unset
         * @return this builder
         */
        public Builder buildUrl(String buildUrl) {
            return set(9, buildUrl);
        }

        /**
         * Link to the run that deploys.
         *
         * @param deployUrl the value; null or blank is unset
         * @return this builder
         */
        public Builder deployUrl(String deployUrl) {
            return set(10, deployUrl);
        }

        /**
         * Identifier of the run in its CI system.
         *
         * @param invokeId the value; null or blank is unset
         * @return this builder
         */
        public Builder invokeId(String invokeId) {
            return set(11, invokeId);
        }

        /**
         * Login of whoever deploys.
         *
         * @param deployedBy the value; null or blank is unset
         * @return this builder
         */
        public Builder deployedBy(String deployedBy) {
            return set(12, deployedBy);
        }

        /**
         * Mail address of whoever deploys.
         *
         * @param deployedByEmail the value; null or blank is unset
         * @return this builder
         */
        public Builder deployedByEmail(String deployedByEmail) {
            return set(13, deployedByEmail);
        }

        /**
         * Name of whoever deploys.
         *
         * @param deployedByName the value; null or blank is unset
         * @return this builder
         */
        public Builder deployedByName(String deployedByName) {
            return set(14, deployedByName);
        }

        /**
         * When the deployment ended, RFC 3339 with a zone.
         *
         * @param completedAt the value; null or blank is unset
         * @return this builder
         */
        public Builder completedAt(String completedAt) {
            return set(15, completedAt);
        }

        /**
         * When the deployment ended, RFC 3339 with a zone.
         *
         * @param completedAt the moment; null is unset
         * @return this builder
         */
        public Builder completedAt(Instant completedAt) {
            return set(15, completedAt);
        }

        /**
         * When the deployment ended, RFC 3339 with a zone.
         *
         * @param completedAt the moment; null is unset
         * @return this builder
         */
        public Builder completedAt(OffsetDateTime completedAt) {
            return set(15, completedAt);
        }

        /**
         * A JSON object of the caller's own, as text, at most 102,400 bytes. Numbers travel as
         * written; its keys win over detected ones.
         *
         * @param extraMetadata the value; null or blank is unset
         * @return this builder
         */
        public Builder extraMetadata(String extraMetadata) {
            return set(16, extraMetadata);
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
            return set(16, extraMetadata);
        }

        /**
         * Deprecated: asks the service to skip its preflight checks. Set the rule to report-only on
         * the server instead.
         *
         * @param skipPreflightChecks whether to skip. Default: false
         * @return this builder
         */
        public Builder skipPreflightChecks(boolean skipPreflightChecks) {
            return set(17, skipPreflightChecks);
        }

        /**
         * Sends a product, environment or version that looks like a placeholder which nobody
         * replaced, such as {@code ${VERSION}}, with a warning.
         *
         * @param allowLiteral whether to send it. Default: false, it is refused
         * @return this builder
         */
        public Builder allowLiteral(boolean allowLiteral) {
            return set(18, allowLiteral);
        }

        /**
         * The longest that this call may take with all its attempts and pauses, in place of the
         * client's total timeout.
         *
         * @param timeout at least a millisecond; null is unset. Default: the client's
         * @return this builder
         */
        public Builder timeout(Duration timeout) {
            return set(19, timeout);
        }

        /**
         * Why the preflight checks are skipped; kept with the event as {@code vi_skip_reason}.
         *
         * @param skipReason the reason; null or blank is none, which is a warning
         * @return this builder
         */
        public Builder skipReason(String skipReason) {
            return set(20, skipReason);
        }

        /**
         * What makes two calls one event, such as a CI's retry of a step: 1 to 255 visible ASCII
         * characters.
         *
         * @param idempotencyKey the key; null is a new one for each call, blank is refused
         * @return this builder
         */
        public Builder idempotencyKey(String idempotencyKey) {
            return set(21, idempotencyKey);
        }

        /**
         * Which of several legs of one run this is, such as a region of a matrix: the legs of one
         * run and version are one deployment, which ends when every leg that started has ended, as
         * the worst of them. Kept as {@code vi_part}.
         *
         * @param part at most 64 characters; null is unset, blank is refused
         * @return this builder
         */
        public Builder part(String part) {
            return set(22, part);
        }

        /**
         * How long the deployment stays in progress after its last sign of life. Only of one that
         * is begun, by {@link Client#deployment} or {@link Client#begin}, and with a service that
         * offers {@code renew}.
         *
         * @param lease from a second to 24 hours; null is unset. Default: as long as the service
         *     says
         * @return this builder
         */
        public Builder lease(Duration lease) {
            return set(23, lease);
        }

        /**
         * Of a start: how long to wait for its gate, if a window, a soak time, an approval or
         * another deployment keeps it closed. A service that cannot be reached is asked again until
         * then, in best effort too; {@code timeout} is then of each asking, and an interruption
         * ends the wait at any moment. What it has come to is told to the listener at level info,
         * once for each change.
         *
         * @param wait how long; null and zero do not wait
         * @return this builder
         */
        public Builder wait(Duration wait) {
            return set(24, wait);
        }

        /**
         * What else to wait for: {@code flow} is the environments that come first.
         *
         * @param waitFor the word; null or blank is unset. Default: such a rejection ends the wait
         *     at once
         * @return this builder
         */
        public Builder waitFor(String waitFor) {
            return set(25, waitFor);
        }

        /**
         * What to do if another version was started there meanwhile: {@code stop} ends the wait
         * with {@link Kind#SUPERSEDED}, so that an older version does not go out last by luck;
         * {@code go} waits on.
         *
         * @param waitSuperseded the word; null or blank is unset. Default: {@code stop}
         * @return this builder
         */
        public Builder waitSuperseded(String waitSuperseded) {
            return set(26, waitSuperseded);
        }

        /**
         * Makes the event. Its values are checked when it is tracked.
         *
         * @return the event
         */
        public DeploymentEvent build() {
            return new DeploymentEvent(values());
        }
    }
}
