package io.versioner;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.net.URL;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;

/** What a host hands in, as the text that crosses to the native library. */
final class Values {
    private static final String METADATA = "extra_metadata";
    private static final String EXIT_CODE = "exit_code";

    /** The longest that nanoseconds can tell, 292 years. */
    private static final double MOST_SECONDS = Long.MAX_VALUE / 1e9;

    private static final List<String> DURATIONS = List.of("timeout", "lease", "wait");
    private static final List<String> FLAGS = List.of("skip_preflight_checks", "allow_literal");

    private Values() {}

    /**
     * {@return the text of a field's value; empty if it is unset}
     *
     * @param name the field
     * @param value null is unset
     * @throws UsageException if the value is of a type that the field cannot have
     */
    static String ofField(String name, Object value) {
        if (value == null) {
            return "";
        }
        if (FLAGS.contains(name)) {
            return flag(name, value);
        }
        if (DURATIONS.contains(name)) {
            return seconds(name, value);
        }
        if (name.equals(EXIT_CODE) && !isInteger(value)) {
            throw UsageException.about(name, " must be an integer, but is \"" + value + "\"");
        }
        if (name.equals(METADATA) && value instanceof Map) {
            return Json.of(name, value);
        }
        if (value instanceof Map || !Layout.TIMES.contains(name) && isTime(value)) {
            throw unusable(name, value);
        }
        String text = text(name, value);
        // Empty is unset to the core; a text of blanks was meant to be something, and is refused.
        return text.isEmpty() && Layout.NAMES.contains(name) ? " " : text;
    }

    /**
     * {@return the text of something that has one text only}
     *
     * <p>A {@link Double} has not: {@code 1.10} would become {@code 1.1}.
     *
     * @param name what it is, for the message
     * @throws UsageException for anything else
     */
    static String text(String name, Object value) {
        if (value instanceof CharSequence
                || value instanceof Character
                || value instanceof BigDecimal
                || isInteger(value)
                || value instanceof URI
                || value instanceof URL
                || value instanceof UUID
                || value instanceof Enum) {
            return value.toString();
        }
        if (isTime(value)) {
            return time(name, value);
        }
        throw unusable(name, value);
    }

    static boolean isInteger(Object value) {
        return value instanceof Integer
                || value instanceof Long
                || value instanceof Short
                || value instanceof Byte
                || value instanceof BigInteger;
    }

    private static boolean isTime(Object value) {
        return value instanceof Instant
                || value instanceof OffsetDateTime
                || value instanceof ZonedDateTime
                || value instanceof Date;
    }

    private static String time(String name, Object time) {
        if (time instanceof Date) {
            try {
                return ((Date) time).toInstant().toString();
            } catch (UnsupportedOperationException onlyADate) {
                throw unusable(name, time);
            }
        }
        if (time instanceof Instant) {
            return time.toString();
        }
        OffsetDateTime moment =
                time instanceof ZonedDateTime
                        ? ((ZonedDateTime) time).toOffsetDateTime()
                        : (OffsetDateTime) time;
        // RFC 3339 has no seconds in an offset.
        boolean isWritable = moment.getOffset().getTotalSeconds() % 60 == 0;
        return isWritable
                ? DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(moment)
                : moment.toInstant().toString();
    }

    /** In the words that every surface takes for a boolean; empty is unset. */
    private static String flag(String name, Object value) {
        if (value instanceof Boolean) {
            return value.toString();
        }
        switch (text(name, value).strip().toLowerCase(Locale.ROOT)) {
            case "":
                return "";
            case "true":
            case "yes":
            case "on":
            case "1":
                return "true";
            case "false":
            case "no":
            case "off":
            case "0":
                return "false";
            default:
                throw UsageException.about(
                        name,
                        " must be true or false (or yes/no, on/off, 1/0), but is \""
                                + value
                                + "\"");
        }
    }

    /** A decimal number of seconds; empty is unset. */
    private static String seconds(String name, Object value) {
        boolean isText = value instanceof CharSequence;
        if (isText && value.toString().isBlank()) {
            return "";
        }
        double seconds = -1;
        try {
            if (value instanceof Duration) {
                Duration duration = (Duration) value;
                seconds = duration.getSeconds() + duration.getNano() / 1e9;
            } else if (isText || value instanceof Number) {
                seconds = new BigDecimal(value.toString().strip()).doubleValue();
            }
        } catch (NumberFormatException noNumber) {
            // Told below, with what is out of range.
        }
        if (seconds < 0 || seconds > MOST_SECONDS) {
            throw UsageException.about(
                    name,
                    " must be a Duration or a number of seconds, such as 2.5, but is \""
                            + value
                            + "\"");
        }
        return String.valueOf(seconds);
    }

    private static UsageException unusable(String name, Object value) {
        return UsageException.about(
                name,
                " cannot be a "
                        + value.getClass().getName()
                        + " ("
                        + value
                        + "): give it as a text");
    }
}
