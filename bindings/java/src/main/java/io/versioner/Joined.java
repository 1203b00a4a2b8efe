package io.versioner;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Texts in one array, as they cross to and from the native library. */
final class Joined {
    /** A byte that UTF-8 never has. */
    private static final byte SEPARATOR = (byte) 0xff;

    private Joined() {}

    /**
     * {@return the values in one array}
     *
     * @param names what the values are, for the message
     * @throws UsageException if a value is not Unicode
     */
    static byte[] join(List<String> names, List<String> values) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream(512);
        for (int position = 0; position < values.size(); position++) {
            if (position > 0) {
                joined.write(SEPARATOR);
            }
            byte[] bytes = encoded(names.get(position), values.get(position));
            joined.write(bytes, 0, bytes.length);
        }
        return joined.toByteArray();
    }

    /** {@return names and values in turn} */
    static byte[] join(Map<String, String> pairs) {
        List<String> names = new ArrayList<>(2 * pairs.size());
        List<String> texts = new ArrayList<>(2 * pairs.size());
        pairs.forEach(
                (name, value) -> {
                    names.add(name);
                    names.add(name);
                    texts.add(name);
                    texts.add(value);
                });
        return join(names, texts);
    }

    private static byte[] encoded(String name, String value) {
        if (!isUnicode(value)) {
            throw UsageException.about(
                    name, " is not valid text: it has half of a character (a lone surrogate)");
        }
        return value.getBytes(StandardCharsets.UTF_8);
    }

    /** {@return whether every surrogate has its other half, without which there is no UTF-8} */
    static boolean isUnicode(String text) {
        for (int position = 0; position < text.length(); position++) {
            if (Character.isSurrogate(text.charAt(position))) {
                int next = position + 1;
                if (next == text.length()
                        || !Character.isSurrogatePair(text.charAt(position), text.charAt(next))) {
                    return false;
                }
                position = next;
            }
        }
        return true;
    }

    static String[] split(byte[] joined) {
        List<String> texts = new ArrayList<>();
        int start = 0;
        for (int position = 0; position <= joined.length; position++) {
            if (position == joined.length || joined[position] == SEPARATOR) {
                texts.add(new String(joined, start, position - start, StandardCharsets.UTF_8));
                start = position + 1;
            }
        }
        return texts.toArray(new String[0]);
    }
}
