package io.versioner;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Texts in one array, as they cross to and from the native library. */
final class Joined {
    /** A byte that UTF-8 never has. */
    private static final byte SEPARATOR = (byte) 0xff;

    private Joined() {}

    static byte[] join(Iterable<String> texts) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream(512);
        boolean isFirst = true;
        for (String text : texts) {
            if (!isFirst) {
                joined.write(SEPARATOR);
            }
            isFirst = false;
            byte[] bytes = text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
            joined.write(bytes, 0, bytes.length);
        }
        return joined.toByteArray();
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
