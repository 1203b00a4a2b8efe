package io.versioner;

/** A value and where it comes from. Immutable. */
public final class Explained {
    private final String field;
    private final String value;
    private final String source;

    Explained(String field, String value, String source) {
        this.field = field;
        this.value = value;
        this.source = source;
    }

    /**
     * {@return the name of the argument or setting, such as {@code scm_sha}; a key of the metadata
     * is called {@code extra_metadata.KEY}}
     */
    public String field() {
        return field;
    }

    /** {@return the value as it is sent or used; durations are in seconds} */
    public String value() {
        return value;
    }

    /** {@return where it comes from, such as {@code VERSIONER_VERSION} or {@code argument}} */
    public String source() {
        return source;
    }

    /** {@return all three, such as {@code version 1.2.3 (VERSIONER_VERSION)}} */
    @Override
    public String toString() {
        return field + " " + value + " (" + source + ")";
    }
}
