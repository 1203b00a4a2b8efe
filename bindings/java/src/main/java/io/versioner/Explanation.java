package io.versioner;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a call would send, and where each value comes from; without the API key. Immutable. */
public final class Explanation {
    private final String json;
    private final String method;
    private final String url;
    private final String body;
    private final Map<String, String> headers;
    private final List<Explained> values;
    private final List<Explained> settings;
    private final List<Warning> warnings;

    /** Of JSON, method, URL, body, three numbers, and as many headers, values and settings. */
    Explanation(String[] parts) {
        json = parts[0];
        method = parts[1];
        url = parts[2];
        body = parts[3];
        int next = 7;
        Map<String, String> all = new LinkedHashMap<>();
        for (int left = Integer.parseInt(parts[4]); left > 0; left--, next += 2) {
            all.put(parts[next], parts[next + 1]);
        }
        headers = Collections.unmodifiableMap(all);
        int numberOfValues = Integer.parseInt(parts[5]);
        int numberOfSettings = Integer.parseInt(parts[6]);
        values = explained(parts, next, numberOfValues);
        next += 3 * numberOfValues;
        settings = explained(parts, next, numberOfSettings);
        warnings = Warning.of(parts, next + 3 * numberOfSettings);
    }

    private static List<Explained> explained(String[] parts, int first, int count) {
        List<Explained> all = new ArrayList<>(count);
        for (int position = first; position < first + 3 * count; position += 3) {
            all.add(new Explained(parts[position], parts[position + 1], parts[position + 2]));
        }
        return Collections.unmodifiableList(all);
    }

    /** {@return the HTTP method} */
    public String method() {
        return method;
    }

    /** {@return the URL of the request} */
    public String url() {
        return url;
    }

    /**
     * {@return name and value of each header} {@code [API key]} stands for the key. The idempotency
     * key is left out, because each call makes its own.
     */
    public Map<String, String> headers() {
        return headers;
    }

    /** {@return the body as indented JSON} */
    public String body() {
        return body;
    }

    /** {@return the values of the event, in the order of the body} */
    public List<Explained> values() {
        return values;
    }

    /** {@return the settings of the client that have a value} */
    public List<Explained> settings() {
        return settings;
    }

    /** {@return what the call would warn of before it sends} */
    public List<Warning> warnings() {
        return warnings;
    }

    /** {@return all of this but the warnings as a JSON object with the names of every surface} */
    public String toJson() {
        return json;
    }

    /** {@return {@link #toJson()}} */
    @Override
    public String toString() {
        return json;
    }
}
