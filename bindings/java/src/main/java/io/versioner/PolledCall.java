package io.versioner;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiFunction;
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

    /** Deployments that are prepared and not asked for, or decided and not told, by their text. */
    private static final Map<String, Prepared> PREPARED = new ConcurrentHashMap<>();

    private static final String SPAN = "span";
    private static final List<String> QUESTION = List.of("product", "environment");

    private final Thread thread;
    private final Progress progress;
    private volatile Map<String, Object> end;

    private PolledCall(Progress progress, Supplier<Map<String, Object>> body) {
        this.progress = progress;
        thread = new Thread(() -> end = ended(body), "versioner-call");
        thread.setDaemon(true);
    }

    /**
     * Starts to track an event, or to ask for the version that is deployed.
     *
     * @param event {@code build}, {@code deployment} or {@code deployed_version}
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
        Progress progress = new Progress();
        ClientBuilder builder = builder(surface, values, environment).listener(progress);
        Map<String, Object> fields = fields(values);
        switch (event) {
            case "build":
                return started(progress, builder, () -> BuildEvent.of(fields), Client::trackBuild);
            case "deployment":
                return started(
                        progress,
                        builder,
                        () -> DeploymentEvent.of(fields),
                        Client::trackDeployment);
            case "deployed_version":
                return started(progress, builder, () -> texts(fields), PolledCall::deployedVersion);
            default:
                throw new IllegalArgumentException(
                        "an event is build, deployment or deployed_version, but not \""
                                + event
                                + "\"");
        }
    }

    /**
     * Makes a deployment that is begun with {@link #ask} and ended with {@link #decide} and {@link
     * #tell}. Returns at once, because nothing is sent.
     *
     * @param surface as for {@link #start}
     * @param values the deployment's fields and the client's settings
     * @param environment as for {@link #start}
     * @return {@code code} 0 and the deployment's text as {@code span}, to be kept before it is
     *     asked for; or how it failed
     * @throws IllegalArgumentException if a name is neither a field nor a setting
     */
    public static Map<String, Object> prepare(
            String surface, Map<String, ?> values, Map<String, String> environment) {
        Progress progress = new Progress();
        ClientBuilder builder = builder(surface, values, environment).listener(progress);
        DeploymentEvent event;
        try {
            event = DeploymentEvent.of(fields(values));
        } catch (UsageException unusable) {
            return unusable.outcome().toMap();
        }
        return ended(
                () -> {
                    try (Client client = builder.build()) {
                        return kept(client.prepare(event), progress);
                    }
                });
    }

    /**
     * Starts to ask whether a deployment may begin. In another process than that which prepared it
     * the service is asked again, under the same key.
     *
     * @param span the text from {@link #prepare}
     * @param surface as for {@link #start}
     * @param values the client's settings; others are left alone
     * @param environment as for {@link #start}
     * @return the call. If it ends with code 0 its map has the text as it is then as {@code span};
     *     on every other code the deployment must not begin, and if nobody knows whether the start
     *     is recorded, {@code aborted} was told
     */
    public static String ask(
            String span, String surface, Map<String, ?> values, Map<String, String> environment) {
        Prepared prepared = PREPARED.remove(span);
        if (prepared != null) {
            Supplier<Map<String, Object>> ask = () -> told(prepared.span.ask(), prepared.span);
            return started(prepared.progress, ask);
        }
        Progress progress = new Progress();
        ClientBuilder builder = builder(surface, values, environment).listener(progress);
        return started(
                progress,
                () -> {
                    try (Client client = builder.build()) {
                        Span resumed = client.resume(span);
                        Outcome asked = resumed.started();
                        return told(asked == null ? Outcome.of(Kind.OK, "") : asked, resumed);
                    }
                });
    }

    /**
     * Decides how a deployment ended, for {@link #tell}. Returns at once, because nothing is sent.
     * One that is not known to have begun may only be {@code aborted}.
     *
     * @param span the text from {@link #ask}, or from {@link #prepare} if that is all there is
     * @param end how it ended, by the names of {@link End#of}
     * @param surface as for {@link #start}
     * @param values the client's settings; others are left alone
     * @param environment as for {@link #start}
     * @return {@code code} 0 and the deployment's text as {@code span}, to be kept before it is
     *     told; or how it failed
     */
    public static Map<String, Object> decide(
            String span,
            Map<String, ?> end,
            String surface,
            Map<String, ?> values,
            Map<String, String> environment) {
        Progress progress = new Progress();
        ClientBuilder builder = builder(surface, values, environment).listener(progress);
        return ended(
                () -> {
                    try (Client client = builder.build()) {
                        Span restored = client.restore(span);
                        restored.decide(End.of(end));
                        return kept(restored, progress);
                    }
                });
    }

    /**
     * Starts to tell how a deployment ended. Nothing ends the telling before its time, and telling
     * it again sends the same.
     *
     * @param span the text from {@link #decide}
     * @param surface as for {@link #start}
     * @param values the client's settings; others are left alone
     * @param environment as for {@link #start}
     * @return the call. If it ends with code 0 its map has the text as it is then as {@code span}
     */
    public static String tell(
            String span, String surface, Map<String, ?> values, Map<String, String> environment) {
        Prepared decided = PREPARED.remove(span);
        if (decided != null) {
            Supplier<Map<String, Object>> tell = () -> told(decided.span.tellEnd(), decided.span);
            return started(decided.progress, tell);
        }
        Progress progress = new Progress();
        ClientBuilder builder = builder(surface, values, environment).listener(progress);
        return started(
                progress,
                () -> {
                    try (Client client = builder.build()) {
                        Span restored = client.restore(span);
                        return told(restored.tellEnd(), restored);
                    }
                });
    }

    /**
     * Forgets a deployment that is prepared and will not be asked for. One that is not known is
     * left alone.
     *
     * @param span the text from {@link #prepare}
     */
    public static void forget(String span) {
        PREPARED.remove(span);
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
     * What a start that waits for its gate has come to since this was asked last.
     *
     * @param call from {@link #start} or {@link #ask}
     * @return lines for people, none if nothing has changed or the call is not known
     */
    public static List<String> progress(String call) {
        PolledCall known = CALLS.get(call);
        return known == null ? new ArrayList<>() : known.progress.drained();
    }

    /**
     * Whether a call is known: it was started by this process, and neither told nor cancelled.
     *
     * @param call from {@link #start}, {@link #ask} or {@link #tell}
     * @return whether {@link #poll} may be asked for it
     */
    public static boolean isKnown(String call) {
        return CALLS.containsKey(call);
    }

    /**
     * Interrupts a call that goes on; {@link #poll} still tells how it ended. One that asks whether
     * a deployment may begin tells {@code aborted} before it ends, within 5 s; one that tells an
     * end goes on. One that is not known is left alone.
     *
     * @param call from {@link #start}, {@link #ask} or {@link #tell}
     */
    public static void interrupt(String call) {
        PolledCall known = CALLS.get(call);
        if (known != null) {
            known.thread.interrupt();
        }
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

    private static ClientBuilder builder(
            String surface, Map<String, ?> values, Map<String, String> environment) {
        // As variables, settings are parsed and checked where they always are.
        Map<String, String> variables = new LinkedHashMap<>(environment);
        List<String> settings = Arrays.asList(Layout.OPTIONS);
        values.forEach(
                (name, value) -> {
                    boolean isSet = value != null && !value.toString().isBlank();
                    if (isSet && settings.contains(name)) {
                        variables.put(variable(name), value.toString());
                    }
                });
        return Client.builder().surface(surface).environment(variables);
    }

    private static Map<String, Object> fields(Map<String, ?> values) {
        Map<String, Object> fields = new LinkedHashMap<>(values);
        fields.keySet().removeAll(Arrays.asList(Layout.OPTIONS));
        return fields;
    }

    /** Product and environment, each null if it is not given. */
    private static Map<String, String> texts(Map<String, ?> fields) {
        Map<String, String> texts = new LinkedHashMap<>();
        fields.forEach(
                (name, value) -> {
                    if (!QUESTION.contains(name)) {
                        throw new IllegalArgumentException(
                                "there is no field \"" + name + "\"; there are " + QUESTION);
                    }
                    texts.put(name, value == null ? null : Values.text(name, value));
                });
        return texts;
    }

    private static Outcome deployedVersion(Client client, Map<String, String> asked) {
        return client.deployedVersion(asked.get("product"), asked.get("environment"));
    }

    /**
     * The values are read at once, because the host may change them or compute them as it likes.
     */
    private static <E> String started(
            Progress progress,
            ClientBuilder builder,
            Supplier<E> read,
            BiFunction<Client, E, Outcome> call) {
        E event;
        try {
            event = read.get();
        } catch (UsageException unusable) {
            return started(progress, unusable.outcome()::toMap);
        }
        return started(
                progress,
                () -> {
                    try (Client client = builder.build()) {
                        return call.apply(client, event).toMap();
                    }
                });
    }

    private static String started(Progress progress, Supplier<Map<String, Object>> body) {
        PolledCall call = new PolledCall(progress, body);
        String id = UUID.randomUUID().toString();
        CALLS.put(id, call);
        call.thread.start();
        return id;
    }

    private static Map<String, Object> kept(Span span, Progress progress) {
        Map<String, Object> prepared = told(Outcome.of(Kind.OK, ""), span);
        PREPARED.put((String) prepared.get(SPAN), new Prepared(span, progress));
        return prepared;
    }

    private static Map<String, Object> told(Outcome outcome, Span span) {
        Map<String, Object> map = outcome.toMap();
        map.put(SPAN, span.save());
        return map;
    }

    private static Map<String, Object> ended(Supplier<Map<String, Object>> body) {
        try {
            return body.get();
        } catch (VersionerException failure) {
            return failure.outcome().toMap();
        } catch (Throwable fault) {
            // Whatever it is, a call that never ended would be polled for ever.
            return Outcome.internal(fault).toMap();
        }
    }

    private static final class Prepared {
        final Span span;
        final Progress progress;

        Prepared(Span span, Progress progress) {
            this.span = span;
            this.progress = progress;
        }
    }

    /** Keeps what a wait has come to. Warnings are in the map of the end. */
    private static final class Progress implements LogListener {
        private final Queue<String> lines = new ConcurrentLinkedQueue<>();

        @Override
        public void log(Level level, String message) {
            if (level == Level.INFO) {
                lines.add(message);
            }
        }

        List<String> drained() {
            List<String> drained = new ArrayList<>();
            for (String line = lines.poll(); line != null; line = lines.poll()) {
                drained.add(line);
            }
            return drained;
        }
    }
}
