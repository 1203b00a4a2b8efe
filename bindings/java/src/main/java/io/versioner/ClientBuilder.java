package io.versioner;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Collects the settings of a client. What is unset, null or empty is taken from the {@code
 * VERSIONER_*} variable of the same name, then from the configuration file, then from the default.
 * Not to be used by several threads at once.
 */
public final class ClientBuilder {
    private static final String SURFACE = "java";

    private final Map<String, String> options = new LinkedHashMap<>();
    private Map<String, String> environment;
    private LogListener listener;

    ClientBuilder() {
        surface(SURFACE);
    }

    /**
     * The API key. Required from somewhere.
     *
     * @param apiKey such as {@code sk_account_id_random}; null or empty is unset
     * @return this builder
     */
    public ClientBuilder apiKey(String apiKey) {
        return set("api_key", apiKey);
    }

    /**
     * Base URL of the service.
     *
     * @param apiUrl Default: {@code https://api.versioner.io}
     * @return this builder
     */
    public ClientBuilder apiUrl(String apiUrl) {
        return set("api_url", apiUrl);
    }

    /**
     * Base URL of the web interface, for links.
     *
     * @param uiUrl Default: {@code https://app.versioner.io}
     * @return this builder
     */
    public ClientBuilder uiUrl(String uiUrl) {
        return set("ui_url", uiUrl);
    }

    /**
     * The configuration file, which must exist.
     *
     * @param config path of a YAML file. Default: {@code VERSIONER_CONFIG}, then {@code
     *     $HOME/.versioner/config.yaml} if that exists
     * @return this builder
     */
    public ClientBuilder config(Path config) {
        return set("config", config);
    }

    /**
     * Whether an event that could not be recorded is an error. With false (best effort) the call
     * returns, and {@link Outcome#recorded()} and a warning tell. Rejections and bad arguments stay
     * errors.
     *
     * @param failOnApiError Default: true
     * @return this builder
     */
    public ClientBuilder failOnApiError(boolean failOnApiError) {
        return set("fail_on_api_error", failOnApiError);
    }

    /**
     * Attempts after the first, on network failures and HTTP 429 and 5xx.
     *
     * @param maxRetries Default: 3
     * @return this builder
     * @throws IllegalArgumentException if negative
     */
    public ClientBuilder maxRetries(int maxRetries) {
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
    public ClientBuilder retryPause(Duration retryPause) {
        return set("retry_pause", nanoseconds("retryPause", retryPause));
    }

    /**
     * The longest that one attempt may take.
     *
     * @param attemptTimeout Default: 30 seconds
     * @return this builder
     * @throws IllegalArgumentException if negative or longer than 292 years
     */
    public ClientBuilder attemptTimeout(Duration attemptTimeout) {
        return set("attempt_timeout", nanoseconds("attemptTimeout", attemptTimeout));
    }

    /**
     * The longest that all attempts and pauses together may take.
     *
     * @param totalTimeout Default: 120 seconds
     * @return this builder
     * @throws IllegalArgumentException if negative or longer than 292 years
     */
    public ClientBuilder totalTimeout(Duration totalTimeout) {
        return set("total_timeout", nanoseconds("totalTimeout", totalTimeout));
    }

    /**
     * PEM file of the only certificate authorities to trust. Java's own key stores are not read.
     *
     * @param caFile Default: {@code SSL_CERT_FILE}, then the system's authorities
     * @return this builder
     */
    public ClientBuilder caFile(Path caFile) {
        return set("ca_file", caFile);
    }

    /**
     * PEM file of a client certificate, with its chain.
     *
     * @param clientCert Default: none
     * @return this builder
     */
    public ClientBuilder clientCert(Path clientCert) {
        return set("client_cert", clientCert);
    }

    /**
     * PEM file of the client certificate's key.
     *
     * @param clientKey Default: the file of the certificate
     * @return this builder
     */
    public ClientBuilder clientKey(Path clientKey) {
        return set("client_key", clientKey);
    }

    /**
     * Directory that keeps an event which best effort could not deliver, and the end of a
     * deployment which could not be told, until a later event, or {@code versioner outbox send},
     * delivers them; made if it is missing. The status of such an outcome is {@code queued}.
     *
     * @param outbox path of the directory. Default: none, and such events are lost
     * @return this builder
     */
    public ClientBuilder outbox(Path outbox) {
        return set("outbox", outbox);
    }

    /**
     * What the {@code User-Agent} names as the sender; for plugins of other products.
     *
     * @param surface letters, digits and signs of ASCII. Default: {@code java}
     * @return this builder
     */
    public ClientBuilder surface(String surface) {
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
    public ClientBuilder environment(Map<String, String> environment) {
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
     * @param listener Default: null; warnings then go to the {@link System.Logger} {@code
     *     io.versioner}, and other messages are dropped
     * @return this builder
     */
    public ClientBuilder listener(LogListener listener) {
        this.listener = listener;
        return this;
    }

    /**
     * Decides every setting, and reads the configuration file and certificates. Connects nowhere.
     *
     * @return the client
     * @throws UsageException if a setting is missing or unusable
     * @throws NativeLibraryException if the native library cannot be used here
     */
    public Client build() {
        NativeLibrary.load();
        byte[] settings = Joined.join(options);
        byte[] variables = environment == null ? null : Joined.join(environment);
        LogListener.Level last =
                listener == null ? LogListener.Level.WARNING : LogListener.Level.DEBUG;
        LogListener log = Log.of(listener);
        byte[] answer =
                VersionerException.guarded(
                        () ->
                                Native.open(
                                        settings,
                                        variables,
                                        (message, level) ->
                                                log.log(LogListener.Level.of(level), message),
                                        last.number()));
        String[] parts = Joined.split(answer);
        if (parts.length > 1) {
            VersionerException.orOutcome(parts);
        }
        return new Client(Long.parseLong(parts[0]), log);
    }

    /** {@return the names of what is set; no value, and so never the API key} */
    @Override
    public String toString() {
        return "ClientBuilder" + options.keySet();
    }

    private ClientBuilder set(String name, Object value) {
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
