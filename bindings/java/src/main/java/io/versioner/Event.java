package io.versioner;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** What a build, a deployment and the end of one have in common: values by name. Immutable. */
public abstract class Event {
    private final String[] names;
    private final String[] values;

    Event(String[] names, String[] values) {
        this.names = names;
        this.values = values;
    }

    byte[] joined() {
        return Joined.join(Arrays.asList(names), Arrays.asList(values));
    }

    /** {@return this} Throws if it has a lease, which only a span keeps. */
    Event withoutLease() {
        int position = Arrays.asList(names).indexOf("lease");
        if (position >= 0 && !values[position].isEmpty()) {
            throw UsageException.about(
                    "lease",
                    " is kept by a deployment that is begun: use deployment(...) with a body, or"
                            + " begin(...)");
        }
        return this;
    }

    /** {@return the values that are set, by name} */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(getClass().getSimpleName());
        String separator = "{";
        for (int position = 0; position < values.length; position++) {
            if (!values[position].isEmpty()) {
                text.append(separator).append(names[position]).append('=').append(values[position]);
                separator = ", ";
            }
        }
        return text.append(separator.equals("{") ? "{}" : "}").toString();
    }

    /**
     * Collects values.
     *
     * @param <B> the builder itself
     */
    public abstract static class Builder<B extends Builder<B>> {
        private final String[] names;
        private final String[] values;

        Builder(String[] names) {
            this.names = names;
            this.values = new String[names.length];
            Arrays.fill(values, "");
        }

        B set(int position, Object value) {
            values[position] = Values.ofField(names[position], value);
            return self();
        }

        B setAll(Map<String, ?> given) {
            List<String> known = Arrays.asList(names);
            given.forEach(
                    (name, value) -> {
                        int position = known.indexOf(name);
                        if (position < 0) {
                            throw new IllegalArgumentException(
                                    "there is no field \"" + name + "\"; there are " + known);
                        }
                        set(position, value);
                    });
            return self();
        }

        String[] values() {
            return values.clone();
        }

        @SuppressWarnings("unchecked")
        private B self() {
            return (B) this;
        }
    }
}
