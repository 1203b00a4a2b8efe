package io.versioner;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a call ended: code, kind, and all that the service said. Immutable. Absent texts are empty,
 * never null.
 */
public final class Outcome implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Kind, message and rule. */
    private static final int PARTS_OF_A_WARNING = 3;

    /** By {@link Layout}; then the whole as JSON; then the parts of each warning. */
    private final String[] parts;

    Outcome(String[] parts) {
        this.parts = parts;
    }

    /** What a fault of the library ends in. */
    static Outcome internal(Throwable fault) {
        String[] parts = new String[Layout.TEXT + 2];
        Arrays.fill(parts, "");
        parts[Layout.CODE] = "1";
        parts[Layout.KIND] = Kind.INTERNAL.toString();
        parts[Layout.MESSAGE] = "versioner failed: " + fault.getMessage();
        parts[Layout.HTTP_STATUS] = "0";
        parts[Layout.ATTEMPTS] = "0";
        parts[Layout.TEXT] = parts[Layout.MESSAGE];
        parts[Layout.TEXT + 1] = "{\"code\": 1, \"kind\": \"" + Kind.INTERNAL + "\"}";
        return new Outcome(parts);
    }

    /** {@return how the call ended} */
    public Code code() {
        return Code.of(parts[Layout.CODE]);
    }

    /**
     * {@return the finer reason; where best effort turned a failure into code 0, that failure's}
     */
    public Kind kind() {
        return Kind.of(parts[Layout.KIND], code());
    }

    /** {@return for people: what went wrong and what to do} */
    public String message() {
        return parts[Layout.MESSAGE];
    }

    /** {@return the HTTP status of the last answer; 0 where there was none} */
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

    /** {@return the recorded status; {@code not_recorded} in best-effort mode where it is not} */
    public String status() {
        return parts[Layout.STATUS];
    }

    /** {@return when the service says that the deployment was} */
    public String deployedAt() {
        return parts[Layout.DEPLOYED_AT];
    }

    /** {@return the CI system that was named or detected} */
    public String sourceSystem() {
        return parts[Layout.SOURCE_SYSTEM];
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
     * class: there are only texts, numbers, booleans, and for {@code warnings} a list of such maps.
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
        List<Warning> warnings = new ArrayList<>();
        int next = Layout.TEXT + 2;
        for (; next + PARTS_OF_A_WARNING <= parts.length; next += PARTS_OF_A_WARNING) {
            warnings.add(new Warning(parts[next], parts[next + 1], parts[next + 2]));
        }
        return Collections.unmodifiableList(warnings);
    }

    /** {@return {@link #toJson()}} */
    @Override
    public String toString() {
        return toJson();
    }
}
