package io.versioner;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Calls for hosts that may neither wait nor keep objects of this library, such as a Jenkins
 * pipeline: each runs on a thread of its own, is known by a text, and ends in a map.
 *
 * <p>A host starts a call, asks {@link #poll} until it is told how it ended, and cancels it if it
 * gives up before that.
 */
public final class PolledCall {
    private static final Map<String, PolledCall> CALLS = new ConcurrentHashMap<>();

    private final Thread thread;
    private volatile Map<String, Object> end;

    private PolledCall(Supplier<Outcome> body) {
        thread = new Thread(() -> end = ended(body), "versioner-call");
        thread.setDaemon(true);
    }

    /**
     * Starts to track an event.
     *
     * @param event {@code build} or {@code deployment}
     * @param surface what the {@code User-Agent} names as the sender
     * @param values the event's fields and the client's settings, by the names that every surface
     *     shares; see {@link BuildEvent#of} for what a field may be. Settings are taken as their
     *     text, null and blank are unset; durations are in seconds.
     * @param environment the environment for detection, settings and proxies: all of it
     * @return the call, for {@link #poll} and {@link #cancel}
     * @throws IllegalArgumentException if a name is neither a field nor a setting
     */
    public static String start(
            String event, String surface, Map<String, ?> values, Map<String, String> environment) {
        boolean isBuild = event.equals("build");
        if (!isBuild && !event.equals("deployment")) {
            throw new IllegalArgumentException(
                    "an event is build or deployment, but not \"" + event + "\"");
        }
        List<String> settings = Arrays.asList(Layout.OPTIONS);
        Map<String, Object> fields = new LinkedHashMap<>(values);
        fields.keySet().removeAll(settings);
        // As variables, settings are parsed and checked where they always are.
        Map<String, String> variables = new LinkedHashMap<>(environment);
        values.forEach(
                (name, value) -> {
                    boolean isSet = value != null && !value.toString().isBlank();
                    if (isSet && settings.contains(name)) {
                        variables.put(variable(name), value.toString());
                    }
                });
        ClientBuilder builder = Client.builder().surface(surface).environment(variables);
        // The host is told of warnings by the map, and shows them where its users look.
        builder.listener((level, message) -> {});
        PolledCall call =
                isBuild
                        ? call(builder, BuildEvent::of, fields, Client::trackBuild)
                        : call(builder, DeploymentEvent::of, fields, Client::trackDeployment);
        String id = UUID.randomUUID().toString();
        CALLS.put(id, call);
        call.thread.start();
        return id;
    }

    /**
     * How a call ended; it is forgotten once that is told.
     *
     * @param call from {@link #start}
     * @return {@link Outcome#toMap()}, of every code, or null if the call goes on
     * @throws IllegalStateException if the call is not known: it ended or was cancelled before, or
     *     it was started by another process
     */
    public static Map<String, Object> poll(String call) {
        PolledCall known = CALLS.get(call);
        if (known == null) {
            throw new IllegalStateException(
                    "the call is not known here; the event may or may not be recorded");
        }
        Map<String, Object> end = known.end;
        if (end != null) {
            CALLS.remove(call);
        }
        return end;
    }

    /**
     * Ends a call that goes on. The event may or may not be recorded. One that ended, or is not
     * known, is left alone.
     *
     * @param call from {@link #start}
     */
    public static void cancel(String call) {
        PolledCall known = CALLS.remove(call);
        if (known != null) {
            known.thread.interrupt();
        }
    }

    /**
     * The variables that give fields and settings, such as {@code VERSIONER_PRODUCT}. For hosts
     * whose environment can be asked for a variable, but not for all.
     *
     * @return the names
     */
    public static List<String> variables() {
        Set<String> names = new LinkedHashSet<>();
        for (String[] list : new String[][] {Layout.BUILD, Layout.DEPLOYMENT, Layout.OPTIONS}) {
            for (String name : list) {
                names.add(variable(name));
            }
        }
        return new ArrayList<>(names);
    }

    private static String variable(String name) {
        return "VERSIONER_" + name.toUpperCase(Locale.ROOT);
    }

    /**
     * The values are read at once, because the host may change them or compute them as it likes.
     */
    private static <E> PolledCall call(
            ClientBuilder builder,
            Function<Map<String, ?>, E> of,
            Map<String, ?> fields,
            BiFunction<Client, E, Outcome> track) {
        E event;
        try {
            event = of.apply(fields);
        } catch (UsageException unusable) {
            return new PolledCall(unusable::outcome);
        }
        return new PolledCall(
                () -> {
                    try (Client client = builder.build()) {
                        return track.apply(client, event);
                    }
                });
    }

    private static Map<String, Object> ended(Supplier<Outcome> body) {
        try {
            return body.get().toMap();
        } catch (VersionerException failure) {
            return failure.outcome().toMap();
        } catch (Throwable fault) {
            // Whatever it is, a call that never ended would be polled for ever.
            return Outcome.internal(fault).toMap();
        }
    }
}
