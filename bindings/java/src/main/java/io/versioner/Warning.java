package io.versioner;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Something that went well enough, but that somebody should know. Immutable. */
public final class Warning implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Kind, message and rule. */
    private static final int PARTS = 3;

    /** What it is about. */
    private final String kind;

    /** What to tell people. */
    private final String message;

    /** The violated rule, or empty. */
    private final String rule;

    Warning(String kind, String message, String rule) {
        this.kind = kind;
        this.message = message;
        this.rule = rule;
    }

    /** The warnings of an answer of the native library, from a position on. */
    static List<Warning> of(String[] parts, int first) {
        List<Warning> warnings = new ArrayList<>();
        for (int next = first; next + PARTS <= parts.length; next += PARTS) {
            warnings.add(new Warning(parts[next], parts[next + 1], parts[next + 2]));
        }
        return Collections.unmodifiableList(warnings);
    }

    /** {@return what it is about, such as {@code report_only} or {@code not_recorded}} */
    public String kind() {
        return kind;
    }

    /** {@return what to tell people} */
    public String message() {
        return message;
    }

    /** {@return the violated rule, of kind {@code report_only}; else empty} */
    public String rule() {
        return rule;
    }

    /** {@return the message} */
    @Override
    public String toString() {
        return message;
    }
}
