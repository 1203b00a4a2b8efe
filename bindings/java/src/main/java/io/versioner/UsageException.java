package io.versioner;

import java.util.Map;
import java.util.regex.Pattern;

/** An argument or a setting is missing or unusable; nothing was sent. */
public final class UsageException extends VersionerException {
    private static final long serialVersionUID = 1L;
    private static final Pattern API_KEY = Pattern.compile("sk_\\w+");

    /**
     * For tests of a program's own: of kind {@link Kind#INVALID_ARGUMENT}.
     *
     * @param message what went wrong
     */
    public UsageException(String message) {
        this(Outcome.of(Kind.INVALID_ARGUMENT, message));
    }

    /**
     * Of kind {@link Kind#INVALID_ARGUMENT}. What looks like an API key is not shown: a value at
     * fault may be one, or a map of settings with one in it.
     *
     * @param path the argument, or {@code argument.member.0} in it
     * @param message what is wrong, without the path
     */
    static UsageException about(String path, String message) {
        Map<String, String> values =
                Map.of(
                        "kind",
                        Kind.INVALID_ARGUMENT.toString(),
                        "argument",
                        path.split("\\.", 2)[0],
                        "message",
                        API_KEY.matcher(path + message).replaceAll("[API key]"));
        return new UsageException(Outcome.of(values));
    }

    /**
     * For tests of a program's own, with all that the service could say.
     *
     * @param outcome of kind {@link Kind#INVALID_ARGUMENT} or {@link Kind#CONFIG}
     * @throws IllegalArgumentException if the outcome is any other
     */
    public UsageException(Outcome outcome) {
        super(outcome);
    }
}
