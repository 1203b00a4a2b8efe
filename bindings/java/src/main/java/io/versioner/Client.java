package io.versioner;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ObjIntConsumer;

/**
 * Tells the service about builds and deployments.
 *
 * <p>Made once and used for many events: it keeps connections open. It may be used by many threads
 * at once. A call blocks its thread until the event is recorded or cannot be; {@link
 * Thread#interrupt()} ends it within 50 milliseconds, and leaves the thread interrupted. What a
 * client holds lies outside the heap, so it must be closed.
 *
 * <pre>{@code
 * try (Client client = Client.builder().build()) {
 *     client.trackDeployment(DeploymentEvent.builder()
 *             .product("api").environment("production").version("1.2.3").status("started")
 *             .build());
 * } catch (RejectedException rejected) {
 *     System.err.println(rejected.outcome().text());
 * }
 * }</pre>
 */
public final class Client implements AutoCloseable {
    private final long number;
    private final boolean hasListener;

    private Client(long number, boolean hasListener) {
        this.number = number;
        this.hasListener = hasListener;
    }

    /**
     * Starts a client.
     *
     * @return a builder with every setting unset
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Tells that something was built. Returns once it is recorded or cannot be.
     *
     * @param event what was built
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalStateException if this client is closed
     */
    public Outcome trackBuild(BuildEvent event) {
        byte[] values = event.joined();
        return finished(() -> Native.trackBuild(number, values));
    }

    /**
     * {@link #trackBuild(BuildEvent)} with {@link BuildEvent#of(Map)}; in Groovy {@code
     * client.trackBuild(product: 'api', version: '1.2.3')}.
     *
     * @param values the values by name
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalArgumentException if a name is none of a build's
     * @throws IllegalStateException if this client is closed
     */
    public Outcome trackBuild(Map<String, ?> values) {
        return trackBuild(BuildEvent.of(values));
    }

    /**
     * Tells that something is deployed. With status {@code started} it is checked against policy
     * first: on a {@link RejectedException} the deployment must not happen.
     *
     * @param event what is deployed
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalStateException if this client is closed
     */
    public Outcome trackDeployment(DeploymentEvent event) {
        byte[] values = event.joined();
        return finished(() -> Native.trackDeployment(number, values));
    }

    /**
     * {@link #trackDeployment(DeploymentEvent)} with {@link DeploymentEvent#of(Map)}; in Groovy
     * {@code client.trackDeployment(product: 'api', environment: 'test', version: '1.2.3')}.
     *
     * @param values the values by name
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalArgumentException if a name is none of a deployment's
     * @throws IllegalStateException if this client is closed
     */
    public Outcome trackDeployment(Map<String, ?> values) {
        return trackDeployment(DeploymentEvent.of(values));
    }

    /**
     * Asks whether a deployment may start, and records nothing. Its status is taken for {@code
     * started}, whatever it says, and no check is skipped. Best effort softens nothing. Needs
     * versioner-server.
     *
     * @param event what would be deployed
     * @return how the call ended, with code {@link Code#OK}; {@link Outcome#data()} has every
     *     rule's verdict
     * @throws RejectedException if a rule forbids it
     * @throws VersionerException if there is no clear answer
     * @throws IllegalStateException if this client is closed
     */
    public Outcome checkDeployment(DeploymentEvent event) {
        byte[] values = event.joined();
        return finished(() -> Native.checkDeployment(number, values));
    }

    /**
     * {@link #checkDeployment(DeploymentEvent)} with {@link DeploymentEvent#of(Map)}.
     *
     * @param values the values by name
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalArgumentException if a name is none of a deployment's
     * @throws IllegalStateException if this client is closed
     */
    public Outcome checkDeployment(Map<String, ?> values) {
        return checkDeployment(DeploymentEvent.of(values));
    }

    /**
     * Reads what the service knows. Best effort softens nothing. Needs versioner-server and a key
     * with the scope {@code read}.
     *
     * @param path below the API URL, such as {@code deployments/}
     * @param query names and values of parameters, taken as their text, such as {@code
     *     Map.of("product", "api")}; none may be null or blank
     * @return how the call ended, with code {@link Code#OK}; {@link Outcome#data()} is the JSON of
     *     the answer
     * @throws VersionerException for every other code, but never a {@link RejectedException}
     * @throws IllegalStateException if this client is closed
     */
    public Outcome read(String path, Map<String, ?> query) {
        List<String> names = new ArrayList<>(List.of("path"));
        List<String> texts = new ArrayList<>(List.of(path));
        query.forEach(
                (name, value) -> {
                    names.add("query");
                    names.add(name);
                    texts.add(name);
                    texts.add(value == null ? "" : value.toString());
                });
        byte[] values = Joined.join(names, texts);
        return finished(() -> Native.read(number, values));
    }

    /**
     * Reads what runs where: {@link Outcome#data()} has {@code products}, each with its {@code
     * environments}.
     *
     * @param product only this one; null for all
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException as {@link #read}
     * @throws IllegalStateException if this client is closed
     */
    public Outcome state(String product) {
        byte[] values = Joined.join(List.of("product"), List.of(given(product)));
        return finished(() -> Native.state(number, values));
    }

    /**
     * Reads the version whose deployment to an environment was the last that completed: {@link
     * Outcome#version()}. What is null is taken from {@code VERSIONER_*} variables, the
     * configuration file and the CI system.
     *
     * @param product name of the product
     * @param environment name of the environment
     * @return how the call ended, with code {@link Code#OK}
     * @throws ApiException of kind {@link Kind#NOT_DEPLOYED} if nothing is deployed there or a name
     *     is not known; the message says which
     * @throws VersionerException as {@link #read}
     * @throws IllegalStateException if this client is closed
     */
    public Outcome deployedVersion(String product, String environment) {
        byte[] values =
                Joined.join(
                        List.of("product", "environment"),
                        List.of(given(product), given(environment)));
        return finished(() -> Native.deployedVersion(number, values));
    }

    /** A text that is given and empty was meant to be something. */
    private static String given(String text) {
        if (text == null) {
            return "";
        }
        return text.isEmpty() ? " " : text;
    }

    /**
     * Ends every call in progress with kind {@link Kind#INTERRUPTED}; later calls are not touched.
     */
    public void cancel() {
        Native.cancel(number);
    }

    /** Ends every call in progress and frees what this client holds. Closing again does nothing. */
    @Override
    public void close() {
        Native.close(number);
    }

    /** {@return the number of this client; no setting, and so never the API key} */
    @Override
    public String toString() {
        return "Client#" + number;
    }

    private Outcome finished(Native.Call call) {
        byte[] answer = VersionerException.guarded(call);
        if (answer == null) {
            throw new IllegalStateException("the client is closed");
        }
        String[] parts = Joined.split(answer);
        if (!hasListener) {
            for (Warning warning : new Outcome(parts).warnings()) {
                System.getLogger("io.versioner")
                        .log(System.Logger.Level.WARNING, warning.message().replace('\n', ' '));
            }
        }
        return VersionerException.orOutcome(parts);
    }

    /**
     * Collects the settings of a client. What is unset, null or empty is taken from the {@code
     * VERSIONER_*} variable of the same name, then from the configuration file, then from the
     * default. Not to be used by several threads at once.
     */
    public static final class Builder {
        private static final String SURFACE = "java";

        private final Map<String, String> options = new LinkedHashMap<>();
        private Map<String, String> environment;
        private LogListener listener;

        private Builder() {
            surface(SURFACE);
        }

        /**
         * The API key. Required from somewhere.
         *
         * @param apiKey such as {@code sk_account_id_random}; null or empty is unset
         * @return this builder
         */
        public Builder apiKey(String apiKey) {
            return set("api_key", apiKey);
        }

        /**
         * Base URL of the service.
         *
         * @param apiUrl Default: {@code https://api.versioner.io}
         * @return this builder
         */
        public Builder apiUrl(String apiUrl) {
            return set("api_url", apiUrl);
        }

        /**
         * Base URL of the web interface, for links.
         *
         * @param uiUrl Default: {@code https://app.versioner.io}
         * @return this builder
         */
        public Builder uiUrl(String uiUrl) {
            return set("ui_url", uiUrl);
        }

        /**
         * The configuration file, which must exist.
         *
         * @param config path of a YAML file. Default: {@code VERSIONER_CONFIG}, then {@code
         *     $HOME/.versioner/config.yaml} if that exists
         * @return this builder
         */
        public Builder config(Path config) {
            return set("config", config);
        }

        /**
         * Whether an event that could not be recorded is an error. With false (best effort) the
         * call returns, and {@link Outcome#recorded()} and a warning tell. Rejections and bad
         * arguments stay errors.
         *
         * @param failOnApiError Default: true
         * @return this builder
         */
        public Builder failOnApiError(boolean failOnApiError) {
            return set("fail_on_api_error", failOnApiError);
        }

        /**
         * Attempts after the first, on network failures and HTTP 429 and 5xx.
         *
         * @param maxRetries Default: 3
         * @return this builder
         * @throws IllegalArgumentException if negative
         */
        public Builder maxRetries(int maxRetries) {
            if (maxRetries < 0) {
                throw new IllegalArgumentException(
                        "maxRetries must be 0 or more, but is " + maxRetries);
            }
            return set("max_retries", maxRetries);
        }

        /**
         * Pause before the first retry, doubled for each further one.
         *
         * @param retryPause Default: 1 second
         * @return this builder
         * @throws IllegalArgumentException if negative or longer than 292 years
         */
        public Builder retryPause(Duration retryPause) {
            return set("retry_pause", nanoseconds("retryPause", retryPause));
        }

        /**
         * The longest that one attempt may take.
         *
         * @param attemptTimeout Default: 30 seconds
         * @return this builder
         * @throws IllegalArgumentException if negative or longer than 292 years
         */
        public Builder attemptTimeout(Duration attemptTimeout) {
            return set("attempt_timeout", nanoseconds("attemptTimeout", attemptTimeout));
        }

        /**
         * The longest that all attempts and pauses together may take.
         *
         * @param totalTimeout Default: 120 seconds
         * @return this builder
         * @throws IllegalArgumentException if negative or longer than 292 years
         */
        public Builder totalTimeout(Duration totalTimeout) {
            return set("total_timeout", nanoseconds("totalTimeout", totalTimeout));
        }

        /**
         * PEM file of the only certificate authorities to trust. Java's own key stores are not
         * read.
         *
         * @param caFile Default: {@code SSL_CERT_FILE}, then the system's authorities
         * @return this builder
         */
        public Builder caFile(Path caFile) {
            return set("ca_file", caFile);
        }

        /**
         * PEM file of a client certificate, with its chain.
         *
         * @param clientCert Default: none
         * @return this builder
         */
        public Builder clientCert(Path clientCert) {
            return set("client_cert", clientCert);
        }

        /**
         * PEM file of the client certificate's key.
         *
         * @param clientKey Default: the file of the certificate
         * @return this builder
         */
        public Builder clientKey(Path clientKey) {
            return set("client_key", clientKey);
        }

        /**
         * What the {@code User-Agent} names as the sender; for plugins of other products.
         *
         * @param surface letters, digits and signs of ASCII. Default: {@code java}
         * @return this builder
         */
        public Builder surface(String surface) {
            return set("surface", surface == null || surface.isEmpty() ? SURFACE : surface);
        }

        /**
         * The environment for detection, settings and proxies: all of it, nothing is taken from the
         * process then. For hosts that are not the job they work for, such as a CI server.
         *
         * <p>A variable that is null, or whose text is not Unicode, is left out.
         *
         * @param environment variables by name. Default: null, the environment of the process
         * @return this builder
         */
        public Builder environment(Map<String, String> environment) {
            this.environment = null;
            if (environment != null) {
                Map<String, String> variables = new LinkedHashMap<>(environment);
                variables
                        .entrySet()
                        .removeIf(
                                variable ->
                                        variable.getValue() == null
                                                || !Joined.isUnicode(variable.getKey())
                                                || !Joined.isUnicode(variable.getValue()));
                this.environment = variables;
            }
            return this;
        }

        /**
         * Receives warnings and debug messages.
         *
         * @param listener Default: null; each warning of an outcome then goes to the {@link
         *     System.Logger} {@code io.versioner}, and other messages are dropped
         * @return this builder
         */
        public Builder listener(LogListener listener) {
            this.listener = listener;
            return this;
        }

        /**
         * Decides every setting, and reads the configuration file and certificates. Connects
         * nowhere.
         *
         * @return the client
         * @throws UsageException if a setting is missing or unusable
         * @throws NativeLibraryException if the native library cannot be used here
         */
        public Client build() {
            NativeLibrary.load();
            byte[] settings = Joined.join(options);
            byte[] variables = environment == null ? null : Joined.join(environment);
            ObjIntConsumer<String> log = listener == null ? null : Native.guarded(listener);
            byte[] answer = VersionerException.guarded(() -> Native.open(settings, variables, log));
            String[] parts = Joined.split(answer);
            if (parts.length > 1) {
                VersionerException.orOutcome(parts);
            }
            return new Client(Long.parseLong(parts[0]), listener != null);
        }

        /** {@return the names of what is set; no value, and so never the API key} */
        @Override
        public String toString() {
            return "Client.Builder" + options.keySet();
        }

        private Builder set(String name, Object value) {
            if (value == null) {
                options.remove(name);
            } else {
                options.put(name, value.toString());
            }
            return this;
        }

        private static Long nanoseconds(String name, Duration duration) {
            if (duration == null) {
                return null;
            }
            try {
                if (!duration.isNegative()) {
                    return duration.toNanos();
                }
            } catch (ArithmeticException tooLong) {
                // Told below, with the others that are out of range.
            }
            throw new IllegalArgumentException(
                    name + " must be between 0 and 292 years, but is " + duration);
        }
    }
}
