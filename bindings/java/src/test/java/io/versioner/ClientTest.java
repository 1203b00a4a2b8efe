package io.versioner;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the vectors cannot say: threads, lifetimes, and what Java adds. */
@Timeout(60)
class ClientTest {
    private static final String KEY = "sk_test_k1_secretsecret";

    private static ClientBuilder builder(String url) {
        return Client.builder().apiKey(KEY).apiUrl(url).maxRetries(0).environment(Map.of());
    }

    private static BuildEvent event() {
        return BuildEvent.builder().product("api").version("1").build();
    }

    /** What a call ends in that `end` ends once the server has the request. */
    private static Throwable ended(End end) throws Exception {
        try (SilentServer server = new SilentServer();
                Client client = builder(server.url()).build()) {
            CompletableFuture<Throwable> result = new CompletableFuture<>();
            AtomicBoolean stayedInterrupted = new AtomicBoolean();
            Thread thread =
                    new Thread(
                            () -> {
                                try {
                                    client.trackBuild(event());
                                    result.complete(null);
                                } catch (RuntimeException failure) {
                                    stayedInterrupted.set(Thread.currentThread().isInterrupted());
                                    result.complete(failure);
                                }
                            });
            thread.start();
            server.awaitRequest();
            end.accept(client, thread);
            Throwable failure = result.get(30, TimeUnit.SECONDS);
            thread.join();
            assertEquals(end == INTERRUPT, stayedInterrupted.get());
            return failure;
        }
    }

    @FunctionalInterface
    private interface End {
        void accept(Client client, Thread thread);
    }

    private static final End INTERRUPT = (client, thread) -> thread.interrupt();

    @Test
    void anInterruptEndsTheCallAndTheThreadStaysInterrupted() throws Exception {
        CallInterruptedException failure =
                assertInstanceOf(CallInterruptedException.class, ended(INTERRUPT));
        assertEquals(Kind.INTERRUPTED, failure.kind());
        assertEquals(Code.ERROR, failure.code());
    }

    @Test
    void cancelEndsTheCall() throws Exception {
        assertInstanceOf(
                CallInterruptedException.class, ended((client, thread) -> client.cancel()));
    }

    @Test
    void closeEndsTheCall() throws Exception {
        assertInstanceOf(CallInterruptedException.class, ended((client, thread) -> client.close()));
    }

    @Test
    void aClosedClientSaysSo() {
        Client client = builder("http://127.0.0.1:1").build();
        client.close();
        client.close();
        client.cancel();
        assertThrows(IllegalStateException.class, () -> client.trackBuild(event()));
    }

    @Test
    void aClientMayBeClosedWhileManyThreadsUseIt() throws Exception {
        for (int round = 0; round < 20; round++) {
            Client client = builder("http://127.0.0.1:1").build();
            List<CompletableFuture<Outcome>> calls = new ArrayList<>();
            for (int call = 0; call < 16; call++) {
                calls.add(CompletableFuture.supplyAsync(() -> client.trackBuild(event())));
            }
            client.close();
            for (CompletableFuture<Outcome> call : calls) {
                Throwable failure = assertThrows(ExecutionException.class, call::get).getCause();
                assertTrue(
                        failure instanceof IllegalStateException
                                || failure instanceof VersionerException,
                        failure::toString);
            }
        }
    }

    @Test
    void theKeyShowsNowhere() {
        ClientBuilder builder = builder("http://127.0.0.1:1");
        try (Client client = builder.build()) {
            List<String> logged = new ArrayList<>();
            ClientBuilder listening = builder.listener((level, message) -> logged.add(message));
            VersionerException failure;
            try (Client loud = listening.build()) {
                DeploymentEvent event = DeploymentEvent.builder().product(KEY).status(KEY).build();
                failure = assertThrows(VersionerException.class, () -> loud.trackDeployment(event));
            }
            assertFalse(logged.isEmpty());
            List<String> texts =
                    List.of(
                            builder.toString(),
                            client.toString(),
                            logged.toString(),
                            failure.toString(),
                            failure.outcome().toString());
            texts.forEach(text -> assertFalse(text.contains("secretsecret"), text));
        }
    }

    @Test
    void aListenerThatFailsDoesNotEndTheCall() {
        ClientBuilder builder =
                builder("http://127.0.0.1:1")
                        .listener(
                                (level, message) -> {
                                    throw new AssertionError("a bad listener");
                                });
        try (Client client = builder.build()) {
            VersionerException failure =
                    assertThrows(VersionerException.class, () -> client.trackBuild(event()));
            assertEquals(Kind.NETWORK, failure.kind());
        }
    }

    @Test
    void aListenerIsToldTheLevel() {
        List<LogListener.Level> levels = new ArrayList<>();
        ClientBuilder builder =
                builder("http://127.0.0.1:1").listener((level, message) -> levels.add(level));
        try (Client client = builder.failOnApiError(false).build()) {
            Outcome outcome =
                    client.trackBuild(Map.of("product", "api", "version", 1, "status", "odd"));
            assertFalse(outcome.recorded());
            assertEquals(
                    List.of("unknown_status", "not_recorded"),
                    List.of(outcome.warnings().get(0).kind(), outcome.warnings().get(1).kind()));
        }
        assertTrue(levels.contains(LogListener.Level.WARNING), levels::toString);
        assertTrue(levels.contains(LogListener.Level.DEBUG), levels::toString);
    }

    @Test
    void eachKindOfFailureHasItsClass() {
        ClientBuilder keyless = Client.builder().environment(Map.of());
        UsageException config = assertThrows(UsageException.class, keyless::build);
        assertEquals(Kind.CONFIG, config.kind());
        assertTrue(config.getMessage().contains("API key is required"), config.getMessage());
        try (Client client = builder("http://127.0.0.1:1").build()) {
            BuildEvent empty = BuildEvent.builder().build();
            UsageException argument =
                    assertThrows(UsageException.class, () -> client.trackBuild(empty));
            assertEquals(Kind.INVALID_ARGUMENT, argument.kind());
            assertThrows(ConnectionException.class, () -> client.trackBuild(event()));
        }
    }

    /** A variable that nobody set must not choose another environment. */
    @Test
    void aNameThatIsGivenAndBlankIsRefused() {
        Map<String, String> variables =
                Map.of("VERSIONER_PRODUCT", "api", "VERSIONER_ENVIRONMENT", "production");
        ClientBuilder builder = builder("http://127.0.0.1:1").environment(variables);
        try (Client client = builder.build()) {
            for (String name : List.of("product", "environment", "version", "status")) {
                for (String blank : List.of("", " \t", "\u00a0")) {
                    Map<String, String> values = new HashMap<>(Map.of("version", "1"));
                    values.put(name, blank);
                    UsageException refused =
                            assertThrows(
                                    UsageException.class, () -> client.trackDeployment(values));
                    assertEquals(name, refused.outcome().argument());
                    assertTrue(refused.getMessage().contains("blank"), refused.getMessage());
                }
            }
            DeploymentEvent unset =
                    DeploymentEvent.builder().product(null).version("1").scmSha("").build();
            assertThrows(ConnectionException.class, () -> client.trackDeployment(unset));
        }
    }

    @Test
    void anUnknownFieldIsNamed() {
        Map<String, String> values = Map.of("colour", "red");
        IllegalArgumentException failure =
                assertThrows(IllegalArgumentException.class, () -> BuildEvent.of(values));
        assertTrue(failure.getMessage().contains("\"colour\""), failure.getMessage());
        assertTrue(failure.getMessage().contains("scm_sha"), failure.getMessage());
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        ClientBuilder builder = Client.builder();
        assertAll(
                () -> assertThrows(IllegalArgumentException.class, () -> builder.maxRetries(-1)),
                () ->
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> builder.retryPause(Duration.ofNanos(-1))),
                () ->
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> builder.totalTimeout(Duration.ofSeconds(Long.MAX_VALUE))));
    }

    @Test
    void aWarningGoesToTheListenerOrElseToTheLoggerOfTheSystem() {
        List<String> logged = new ArrayList<>();
        Handler handler =
                new StreamHandler() {
                    @Override
                    public void publish(LogRecord logRecord) {
                        logged.add(logRecord.getLevel() + " " + logRecord.getMessage());
                    }
                };
        Logger logger = Logger.getLogger("io.versioner");
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        List<String> told = new ArrayList<>();
        try {
            ClientBuilder builder = builder("http://127.0.0.1:1").failOnApiError(false);
            for (LogListener listener :
                    new LogListener[] {null, (level, text) -> told.add(level + " " + text)}) {
                try (Client client = builder.listener(listener).build()) {
                    assertFalse(client.trackBuild(event()).recorded());
                }
            }
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }
        told.removeIf(line -> !line.startsWith("WARNING "));
        assertEquals(1, logged.size(), logged::toString);
        assertTrue(logged.get(0).startsWith("WARNING the event was not recorded: "));
        assertEquals(logged, told);
    }

    @Test
    void aFaultOfTheNativeLibraryIsAnExceptionOfKindInternal() {
        NativeLibrary.load();
        VersionerException failure =
                assertThrows(
                        VersionerException.class,
                        () -> VersionerException.guarded(() -> Native.open(null, null, null, 1)));
        assertEquals(Kind.INTERNAL, failure.kind());
        assertEquals(0, failure.outcome().attempts());
    }

    @Test
    void aFailureCanBeSerialised() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        UsageException failure =
                assertThrows(UsageException.class, Client.builder().environment(Map.of())::build);
        new ObjectOutputStream(bytes).writeObject(failure);
        ByteArrayInputStream input = new ByteArrayInputStream(bytes.toByteArray());
        UsageException copy = (UsageException) new ObjectInputStream(input).readObject();
        assertEquals(failure.outcome().toJson(), copy.outcome().toJson());
    }

    @Test
    void aSurfaceThatWouldBreakTheRequestIsNamed() {
        ClientBuilder builder = builder("http://127.0.0.1:1").surface("a\r\nX: y");
        UsageException refused = assertThrows(UsageException.class, builder::build);
        assertEquals("surface", refused.outcome().argument());
    }

    @Test
    void nullIsUnset() {
        ClientBuilder builder =
                builder("http://127.0.0.1:1")
                        .uiUrl(null)
                        .config(null)
                        .caFile(null)
                        .clientCert(null)
                        .clientKey(null)
                        .outbox(null)
                        .retryPause(null)
                        .attemptTimeout(null)
                        .totalTimeout(null)
                        .surface(null)
                        .listener(null);
        assertEquals("ClientBuilder[surface, api_key, api_url, max_retries]", builder.toString());
        builder.build().close();
        builder.environment(null).build().close();
    }

    @Test
    void aProgramMakesOutcomesAndFailuresForItsOwnTests() {
        Map<String, Object> warning = Map.of("kind", "report_only", "message", "m", "rule", "r");
        Outcome outcome =
                Outcome.of(
                        Map.of(
                                "kind",
                                Kind.APPROVAL_REQUIRED,
                                "message",
                                "ask maria",
                                "rule",
                                "Two approvals",
                                "http_status",
                                428,
                                "details",
                                Map.of("missing", 2),
                                "features",
                                List.of("preflight", "wait"),
                                "warnings",
                                List.of(warning)));
        RejectedException refused = new RejectedException(outcome);
        assertEquals("ask maria", refused.getMessage());
        assertEquals(Kind.APPROVAL_REQUIRED, refused.kind());
        assertEquals(Code.REJECTED, refused.code());
        assertEquals("Two approvals", outcome.rule());
        assertEquals(428, outcome.httpStatus());
        assertEquals("{\"missing\": 2}", outcome.details());
        assertEquals(List.of("preflight", "wait"), outcome.features());
        assertEquals("r", outcome.warnings().get(0).rule());
        assertFalse(outcome.recorded());
        JsonObject json = JsonParser.parseString(outcome.toJson()).getAsJsonObject();
        assertEquals(2, json.getAsJsonObject("details").get("missing").getAsInt());
        assertEquals(5, json.get("code").getAsInt());

        assertEquals(Kind.REJECTED, new RejectedException("no").kind());
        assertEquals(Kind.HTTP, new ApiException("no").kind());
        assertEquals(Kind.INVALID_ARGUMENT, new UsageException("no").kind());
        assertEquals(Kind.NETWORK, new ConnectionException("no").kind());
        assertEquals(Kind.INTERRUPTED, new CallInterruptedException("no").kind());
        assertEquals(Kind.INTERNAL, new VersionerException("no").kind());
        assertTrue(Outcome.of(Map.of("event_id", "e1")).recorded());
        assertThrows(IllegalArgumentException.class, () -> new ApiException(outcome));
        Outcome recorded = Outcome.of(Kind.OK, "");
        assertThrows(IllegalArgumentException.class, () -> new RejectedException(recorded));
        assertThrows(IllegalArgumentException.class, () -> Outcome.of(Map.of("colour", "red")));
    }

    /** What a program makes has the members that the library gives, in whatever order. */
    @Test
    void anOutcomeOfATestLooksLikeARealOne() {
        UsageException real =
                assertThrows(UsageException.class, Client.builder().environment(Map.of())::build);
        JsonObject made =
                JsonParser.parseString(Outcome.of(Kind.OK, "").toJson()).getAsJsonObject();
        JsonObject told = JsonParser.parseString(real.outcome().toJson()).getAsJsonObject();
        assertEquals(told.keySet(), made.keySet());
    }
}
