package io.versioner;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Writes values as JSON. Numbers stay as they are written: no digit is rounded. */
final class Json {
    /** As deep as nobody nests by intent; a list that holds itself gets there. */
    private static final int DEEPEST = 100;

    private static final int MOST_BYTES = 102_400;

    /** Where to stop: lists that hold each other many times would fill the memory. */
    private static final int ENOUGH = 16 * MOST_BYTES;

    private final StringBuilder text = new StringBuilder();

    private Json() {}

    /**
     * {@return the value as JSON}
     *
     * @param name what the value is, for the message
     * @throws UsageException if something in it has no JSON
     */
    static String of(String name, Object value) {
        Json json = new Json();
        json.write(name, value, 0);
        return json.text.toString();
    }

    private void write(String path, Object value, int depth) {
        if (depth > DEEPEST) {
            throw UsageException.about(
                    path.substring(0, path.indexOf('.')),
                    " is nested more than " + DEEPEST + " levels deep, or contains itself");
        }
        if (text.length() > ENOUGH) {
            throw UsageException.about(
                    path.substring(0, path.indexOf('.')),
                    " is more than "
                            + ENOUGH
                            + " bytes long as JSON, and at most "
                            + MOST_BYTES
                            + " are allowed");
        }
        if (value == null || value instanceof Boolean) {
            text.append(value);
        } else if (value instanceof Map) {
            object(path, (Map<?, ?>) value, depth);
        } else if (value instanceof Iterable) {
            list(path, (Iterable<?>) value, depth);
        } else if (value instanceof Object[]) {
            list(path, Arrays.asList((Object[]) value), depth);
        } else if (isNumber(value)) {
            text.append(value);
        } else {
            quote(Values.text(path, value));
        }
    }

    /** Numbers whose text is JSON; those that are none of it, such as NaN, end below. */
    private static boolean isNumber(Object value) {
        if (value instanceof Double || value instanceof Float) {
            return Double.isFinite(((Number) value).doubleValue());
        }
        return value instanceof BigDecimal || Values.isInteger(value);
    }

    private void object(String path, Map<?, ?> members, int depth) {
        Set<String> names = new HashSet<>();
        text.append('{');
        members.forEach(
                (key, value) -> {
                    if (!(key instanceof CharSequence)) {
                        throw UsageException.about(
                                path, " has the key " + key + ", which is no text");
                    }
                    String name = key.toString();
                    if (!names.add(name)) {
                        throw UsageException.about(path, " has the key \"" + name + "\" twice");
                    }
                    text.append(names.size() > 1 ? ", " : "");
                    quote(name);
                    text.append(": ");
                    write(path + "." + name, value, depth + 1);
                });
        text.append('}');
    }

    private void list(String path, Iterable<?> entries, int depth) {
        int position = 0;
        text.append('[');
        for (Object entry : entries) {
            text.append(position > 0 ? ", " : "");
            write(path + "." + position, entry, depth + 1);
            position++;
        }
        text.append(']');
    }

    private void quote(String string) {
        text.append('"');
        for (int position = 0; position < string.length(); position++) {
            char letter = string.charAt(position);
            if (letter == '"' || letter == '\\') {
                text.append('\\').append(letter);
            } else if (letter < ' ') {
                text.append(String.format("\\u%04x", (int) letter));
            } else {
                text.append(letter);
            }
        }
        text.append('"');
    }
}
