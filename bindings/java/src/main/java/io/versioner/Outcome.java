package io.versioner;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/**
 * How a call ended: code, kind, and all that the service said. Immutable.
 *
 * <p>Absent texts are empty, never null, as on every surface; none is an {@code Optional}, because
 * what they are mostly used for is printing. Times are as the service wrote them.
 */
public final class Outcome implements Serializable {
    private static final long serialVersionUID = 1L;

    /** By {@link Layout}; then the whole as JSON; then the parts of each warning. */
    private final String[] parts;

    Outcome(String[] parts) {
        this.parts = parts;
    }

    /**
     * An outcome for tests of a program's own.
     *
     * @param kind the reason, which gives the code
     * @param message for people
     * @return an outcome that has nothing else
     */
    public static Outcome of(Kind kind, String message) {
        return of(Map.of("kind", kind.toString(), "message", message));
    }

    /**
     * An outcome for tests of a program's own, with the names of {@link #toMap()}, such as {@code
     * Outcome.of(Map.of("kind", "approval_required", "rule", "Two approvals"))}.
     *
     * @param values the values by name. Default: {@code kind} is {@code ok}, {@code code} that of
     *     the kind, {@code text} the message, {@code recorded} true for kind {@code ok}; the others
     *     are empty, or 0. {@code features} is a list of texts, {@code details} a map, or JSON as
     *     text; {@code warnings} a list of maps with {@code kind}, {@code message} and {@code
     *     rule}.
     * @return the outcome
     * @throws IllegalArgumentException if a name is none of an outcome's
     */
    public static Outcome of(Map<String, ?> values) {
        Map<String, Object> rest = new LinkedHashMap<>(values);
        Kind kind = Kind.of(textOr(Kind.OK, rest.remove("kind")), Code.ERROR);
        String message = textOr("", rest.remove("message"));
        Object details = rest.remove("details");
        Object features = rest.remove("features");
        Object data = rest.remove("data");
        List<String> parts = new ArrayList<>();
        for (String name : Layout.OUTCOME) {
            parts.add(textOr("", rest.remove(name)));
        }
        parts.set(Layout.KIND, kind.toString());
        parts.set(Layout.MESSAGE, message);
        parts.set(
                Layout.DETAILS,
                details instanceof Map ? Json.of("details", details) : textOr("", details));
        if (features != null) {
            StringJoiner names = new StringJoiner(",");
            ((Iterable<?>) features).forEach(name -> names.add(name.toString()));
            parts.set(Layout.FEATURES, names.toString());
        }
        boolean isObject = data instanceof Map;
        parts.set(Layout.DATA, isObject ? Json.of("data", data) : textOr("", data));
        defaultTo(parts, Layout.CODE, String.valueOf(kind.code().number()));
        defaultTo(parts, Layout.HTTP_STATUS, "0");
        defaultTo(parts, Layout.ATTEMPTS, "0");
        defaultTo(parts, Layout.RECORDED, String.valueOf(kind == Kind.OK));
        defaultTo(parts, Layout.TEXT, message);
        parts.add("");
        Object warnings = rest.remove("warnings");
        for (Object warning : warnings == null ? List.of() : (Iterable<?>) warnings) {
            for (String name : List.of("kind", "message", "rule")) {
                parts.add(textOr("", ((Map<?, ?>) warning).get(name)));
            }
        }
        if (!rest.isEmpty()) {
            throw new IllegalArgumentException(
                    "an outcome has no "
                            + rest.keySet()
                            + "; it has "
                            + Arrays.asList(Layout.OUTCOME)
                            + " and warnings");
        }
        Outcome outcome = new Outcome(parts.toArray(new String[0]));
        outcome.parts[Layout.TEXT + 1] = outcome.json();
        return outcome;
    }

    private static String textOr(Object otherwise, Object value) {
        return (value == null ? otherwise : value).toString();
    }

    private static void defaultTo(List<String> parts, int position, String value) {
        if (parts.get(position).isEmpty()) {
            parts.set(position, value);
        }
    }

    /**
     * As the core writes it: details and data are JSON already, and their numbers count as written.
     */
    private String json() {
        Map<String, Object> map = toMap();
        map.remove("details");
        map.remove("data");
        String details = details().isEmpty() ? "null" : details();
        String data = data().isEmpty() ? "null" : data();
        String own = "{\"details\": " + details + ", \"data\": " + data + ", ";
        return own + Json.of("outcome", map).substring(1);
    }

    /** What a fault of the library ends in. */
    static Outcome internal(Throwable fault) {
        return of(Kind.INTERNAL, "versioner failed: " + fault.getMessage());
    }

    /** {@return how the call ended} */
    public Code code() {
        return Code.of(parts[Layout.CODE]);
    }

    /**
     * This, if its code is {@link Code#OK}. For the outcome of {@link Client#deployment}, whose end
     * may not be recorded.
     *
     * @return this
     * @throws VersionerException for every other code
     */
    public Outcome orThrow() {
        return VersionerException.orOutcome(this);
    }

    /** {@return the finer reason; if best effort turned a failure into code 0, that failure's} */
    public Kind kind() {
        return Kind.of(parts[Layout.KIND], code());
    }

    /** {@return for people: what went wrong and what to do} */
    public String message() {
        return parts[Layout.MESSAGE];
    }

    /** {@return the argument or setting at fault, such as {@code environment}} */
    public String argument() {
        return parts[Layout.ARGUMENT];
    }

    /** {@return the HTTP status of the last answer; 0 if there was none} */
    public int httpStatus() {
        return Integer.parseInt(parts[Layout.HTTP_STATUS]);
    }

    /** {@return how often the event was sent} */
    public int attempts() {
        return Integer.parseInt(parts[Layout.ATTEMPTS]);
    }

    /** {@return whether the service recorded the event} */
    public boolean recorded() {
        return Boolean.parseBoolean(parts[Layout.RECORDED]);
    }

    /** {@return the identifier of the event} */
    public String eventId() {
        return parts[Layout.EVENT_ID];
    }

    /** {@return the identifier of the product} */
    public String productId() {
        return parts[Layout.PRODUCT_ID];
    }

    /** {@return the identifier of the version} */
    public String versionId() {
        return parts[Layout.VERSION_ID];
    }

    /** {@return the identifier of the environment, of deployments} */
    public String environmentId() {
        return parts[Layout.ENVIRONMENT_ID];
    }

    /**
     * {@return the recorded status; {@code accepted} if the service has taken the event and not yet
     * recorded it; of one that could not be recorded {@code queued} if the outbox keeps it, and in
     * best-effort mode {@code not_recorded}}
     */
    public String status() {
        return parts[Layout.STATUS];
    }

    /** {@return when the service says that the deployment was} */
    public String deployedAt() {
        return parts[Layout.DEPLOYED_AT];
    }

    /** {@return the version that is deployed, of {@link Client#deployedVersion}} */
    public String version() {
        return parts[Layout.VERSION];
    }

    /** {@return what was asked for, JSON as text, of calls that ask} */
    public String data() {
        return parts[Layout.DATA];
    }

    /** {@return the CI system that was named or detected} */
    public String sourceSystem() {
        return parts[Layout.SOURCE_SYSTEM];
    }

    /**
     * {@return what the service offers beyond events, such as {@code preflight}, as its answer
     * lists it; empty if it lists nothing}
     */
    public List<String> features() {
        String names = parts[Layout.FEATURES];
        return names.isEmpty() ? List.of() : List.of(names.split(","));
    }

    /** {@return the name of the rule that rejected the event} */
    public String rule() {
        return parts[Layout.RULE];
    }

    /** {@return the service's code of the rejection, such as {@code FLOW_VIOLATION}} */
    public String policyCode() {
        return parts[Layout.POLICY_CODE];
    }

    /** {@return when to try again after a rejection, as the service wrote it (RFC 3339)} */
    public String retryAfter() {
        return parts[Layout.RETRY_AFTER];
    }

    /** {@return further facts about the rejection, a JSON object as text} */
    public String details() {
        return parts[Layout.DETAILS];
    }

    /** {@return the block that the command line prints for people, without a line end after it} */
    public String text() {
        return parts[Layout.TEXT];
    }

    /**
     * All of this with the names that every surface shares. For hosts that keep values without this
     * class: there are only texts, numbers, booleans, for {@code features} a list of texts, and for
     * {@code warnings} a list of such maps.
     *
     * @return a new map, in the order of {@link #toJson()}
     */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int position = 0; position < Layout.OUTCOME.length; position++) {
            map.put(Layout.OUTCOME[position], parts[position]);
        }
        map.put("code", code().number());
        map.put("http_status", httpStatus());
        map.put("attempts", attempts());
        map.put("recorded", recorded());
        map.put("features", new ArrayList<>(features()));
        ArrayList<Map<String, Object>> warnings = new ArrayList<>();
        for (Warning warning : warnings()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("kind", warning.kind());
            entry.put("message", warning.message());
            entry.put("rule", warning.rule());
            warnings.add(entry);
        }
        map.put("warnings", warnings);
        return map;
    }

    /** {@return all of this as a flat JSON object with the names that every surface shares} */
    public String toJson() {
        return parts[Layout.TEXT + 1];
    }

    /** {@return what somebody should know, in the order in which it came up} */
    public List<Warning> warnings() {
        return Warning.of(parts, Layout.TEXT + 2);
    }

    /** {@return {@link #toJson()}} */
    @Override
    public String toString() {
        return toJson();
    }
}
