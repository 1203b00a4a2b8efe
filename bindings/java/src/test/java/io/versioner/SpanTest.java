package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How deployments end: with a body, and by hand. */
@Timeout(60)
class SpanTest {
    private static final Map<String, Object> EVENT =
            Map.of("product", "api", "environment", "production", "version", "1.2.3");

    private final List<String> log = Collections.synchronizedList(new ArrayList<>());
    private AnsweringServer service;

    @BeforeEach
    void start() throws IOException {
        service = new AnsweringServer();
    }

    @AfterEach
    void stop() {
        service.close();
    }

    private Client client() {
        return builder().build();
    }

    private ClientBuilder builder() {
        return Client.builder()
                .apiKey("sk_test_k1_secretsecret")
                .apiUrl(service.url())
                .maxRetries(0)
                .environment(Map.of())
                .listener((level, message) -> log.add(level + " " + message));
    }

    private List<String> statuses() {
        return service.bodies().stream()
                .map(body -> JsonParser.parseString(body).getAsJsonObject())
                .map(body -> body.get("status").getAsString())
                .collect(Collectors.toList());
    }

    private String lastMetadata(String name) {
        List<String> bodies = service.bodies();
        return JsonParser.parseString(bodies.get(bodies.size() - 1))
                .getAsJsonObject()
                .getAsJsonObject("extra_metadata")
                .get(name)
                .getAsString();
    }

    @Test
    void aBodyThatReturnsCompletes() {
        try (Client client = client()) {
            List<String> during = new ArrayList<>();
            Outcome ended =
                    client.deployment(
                            EVENT,
                            span -> {
                                during.addAll(statuses());
                                assertTrue(span.started().recorded());
                            });
            assertTrue(ended.orThrow().recorded());
            assertEquals(List.of("started"), during);
            assertEquals(List.of("started", "completed"), statuses());
        }
    }

    @Test
    void aBuildEndsAsItsBodyDoes() {
        try (Client client = client()) {
            Map<String, Object> event = Map.of("product", "api", "version", "1.2.3");
            Outcome ended = client.build(event, span -> assertTrue(span.started().recorded()));
            assertTrue(ended.orThrow().recorded());
            assertThrows(
                    IOException.class,
                    () ->
                            client.build(
                                    event,
                                    span -> {
                                        throw new IOException("no space");
                                    }));
            assertEquals(List.of("started", "completed", "started", "failed"), statuses());
            assertEquals("java.io.IOException", lastMetadata("vi_error_class"));
            assertFalse(String.join("", service.bodies()).contains("environment_name"));
            Span span = client.beginBuild(event);
            assertTrue(span.end("aborted").recorded());
        }
    }

    @Test
    void whatTheBodyThrowsIsThrownOn() {
        try (Client client = client()) {
            IOException full = new IOException("no space");
            IOException thrown =
                    assertThrows(
                            IOException.class,
                            () ->
                                    client.deployment(
                                            EVENT,
                                            span -> {
                                                throw full;
                                            }));
            assertSame(full, thrown);
            assertEquals(0, thrown.getSuppressed().length);
            assertEquals(List.of("started", "failed"), statuses());
            assertEquals("java.io.IOException", lastMetadata("vi_error_class"));
            assertThrows(
                    StackOverflowError.class,
                    () ->
                            client.deployment(
                                    EVENT,
                                    span -> {
                                        throw new StackOverflowError();
                                    }));
            assertEquals(List.of("started", "failed", "started", "failed"), statuses());
        }
    }

    @Test
    void aBodyThatIsInterruptedAborts() {
        List<Body<Exception>> bodies =
                List.of(
                        span -> {
                            throw new InterruptedException();
                        },
                        span -> {
                            throw new IllegalStateException(new InterruptedException());
                        },
                        span -> {
                            throw new CallInterruptedException("another call");
                        },
                        span -> {
                            Thread.currentThread().interrupt();
                            throw new IOException("closed by interrupt");
                        });
        try (Client client = client()) {
            for (Body<Exception> body : bodies) {
                int before = service.requests();
                assertThrows(Exception.class, () -> client.deployment(EVENT, body));
                Thread.interrupted();
                List<String> told = statuses().subList(before, service.requests());
                assertEquals(List.of("started", "aborted"), told);
            }
        }
    }

    /** A thread of its own in a deployment, and what comes of it. */
    private static final class Running {
        final CompletableFuture<Throwable> end = new CompletableFuture<>();
        final Thread thread;

        Running(Client client, Body<Exception> body) {
            thread =
                    new Thread(
                            () -> {
                                try {
                                    client.deployment(EVENT, body);
                                    end.complete(null);
                                } catch (Throwable thrown) {
                                    end.complete(thrown);
                                }
                            });
            thread.start();
        }

        Throwable thrown() throws Exception {
            return end.get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void anInterruptWhileItAsksIsTold() throws Exception {
        try (Client client = client()) {
            service.hold();
            Running running = new Running(client, span -> log.add("deployed"));
            while (service.requests() == 0) {
                Thread.onSpinWait();
            }
            running.thread.interrupt();
            while (service.requests() == 1) {
                Thread.onSpinWait();
            }
            service.release();
            assertInstanceOf(CallInterruptedException.class, running.thrown());
            assertEquals(List.of("started", "aborted"), statuses());
            assertFalse(log.contains("deployed"));
        }
    }

    @Test
    void cancelAndCloseInterruptTheBodyAndTheEndIsTold() throws Exception {
        for (Consumer<Client> end : List.<Consumer<Client>>of(Client::cancel, Client::close)) {
            int before = service.requests();
            try (Client client = client()) {
                CompletableFuture<Void> isRunning = new CompletableFuture<>();
                Running running =
                        new Running(
                                client,
                                span -> {
                                    isRunning.complete(null);
                                    Thread.sleep(Long.MAX_VALUE);
                                });
                isRunning.get(30, TimeUnit.SECONDS);
                end.accept(client);
                assertInstanceOf(InterruptedException.class, running.thrown());
                List<String> told = statuses().subList(before, service.requests());
                assertEquals(List.of("started", "aborted"), told);
            }
        }
    }

    @Test
    void anEndThatCannotBeToldDoesNotHideTheFailure() {
        try (Client client = client()) {
            IOException thrown =
                    assertThrows(
                            IOException.class,
                            () ->
                                    client.deployment(
                                            EVENT,
                                            span -> {
                                                service.close();
                                                throw new IOException("no space");
                                            }));
            assertInstanceOf(ConnectionException.class, thrown.getSuppressed()[0]);
        }
    }

    @Test
    void whatHasDeployedHasDeployedWhoeverKnows() {
        try (Client client = client()) {
            Outcome ended = client.deployment(EVENT, span -> service.close());
            assertFalse(ended.recorded());
            assertThrows(ConnectionException.class, ended::orThrow);
            String warning = "WARNING that the deployment completed could not be told: ";
            assertTrue(log.stream().anyMatch(line -> line.startsWith(warning)), log::toString);
            assertEquals(List.of("started"), statuses());
        }
    }

    @Test
    void anEndThatCouldNotBeToldIsKeptInTheOutbox(@TempDir Path folder) throws Exception {
        Path outbox = folder.resolve("outbox");
        try (Client client = builder().outbox(outbox).build()) {
            Outcome ended = client.deployment(EVENT, span -> service.close());
            assertEquals("queued", ended.orThrow().status());
            assertFalse(ended.recorded());
            assertTrue(log.toString().contains(outbox.toString()), log::toString);
        }
    }

    @Test
    void aRefusedStartRunsNoBodyAndHasNoEnd() throws Exception {
        service.close();
        service = new AnsweringServer(428);
        try (Client client = client()) {
            assertThrows(
                    RejectedException.class,
                    () -> client.deployment(EVENT, span -> log.add("deployed")));
            assertFalse(log.contains("deployed"));
            assertEquals(1, service.requests());
        }
    }

    @Test
    void aStartWithoutAnAnswerOfVersionerIsTakenBack() throws Exception {
        for (int status : List.of(500, 200, 202)) {
            service.close();
            service = new AnsweringServer(status);
            try (Client client = client()) {
                VersionerException thrown =
                        assertThrows(
                                VersionerException.class,
                                () -> client.deployment(EVENT, span -> log.add("deployed")));
                assertTrue(thrown.getMessage().contains("aborted was told"), thrown.getMessage());
                assertEquals(List.of("started", "aborted"), statuses());
            }
        }
        assertFalse(log.contains("deployed"));
    }

    @Test
    void anyThreadMayEndItAfterItsClientAndTheFirstEndCounts() throws Exception {
        Span span;
        try (Client client = client()) {
            span = client.begin(EVENT);
        }
        assertEquals("completed", CompletableFuture.supplyAsync(() -> end(span)).get().status());
        assertEquals("completed", span.end(Map.of("status", "failed")).status());
        assertThrows(UsageException.class, () -> span.end("started"));
        assertEquals(List.of("started", "completed"), statuses());
    }

    private static Outcome end(Span span) {
        return span.end(End.builder().status("success").exitCode(0).build());
    }

    @Test
    void aSavedDeploymentIsEndedByWhoeverHasTheText() {
        String saved;
        try (Client client = client()) {
            Span prepared = client.prepare(DeploymentEvent.of(EVENT));
            assertNull(prepared.started());
            assertTrue(prepared.ask().recorded());
            assertNotNull(prepared.started());
            saved = prepared.save();
            assertFalse(saved.contains("secretsecret"));
            assertTrue(saved.contains(prepared.id()));
        }
        try (Client client = client()) {
            client.resume(saved).end("completed");
            assertThrows(UsageException.class, () -> client.resume("{}"));
        }
        assertEquals(List.of("started", "completed"), statuses());
    }

    @Test
    void oneThatWasLetGoOfIsTold() {
        try (Client client = client()) {
            Span span = client.begin(EVENT);
            span.letGo();
            assertThrows(IllegalStateException.class, () -> span.end("completed"));
            assertEquals(List.of("started", "aborted"), statuses());
        }
    }

    @Test
    void oneThatIsLostIsLoggedAndNothingIsSent() {
        try (Client client = client()) {
            begin(client);
            while (!log.contains("WARNING a span was lost without an end")) {
                System.gc();
            }
            assertEquals(List.of("started"), statuses());
        }
    }

    /** In a frame of its own, so that nobody holds the span any more. */
    private static void begin(Client client) {
        assertNotNull(client.begin(EVENT).id());
    }

    @Test
    void aDeploymentIsRenewedWhileItsBodyRuns() {
        service.offer("span, renew");
        DeploymentEvent event =
                DeploymentEvent.builder()
                        .product("api")
                        .environment("production")
                        .version("1.2.3")
                        .lease(Duration.ofSeconds(1))
                        .build();
        try (Client client = client()) {
            // The lease is taken, and renewed.
            Body<RuntimeException> body =
                    span -> {
                        while (service.requests() < 3) {
                            Thread.onSpinWait();
                        }
                    };
            assertTrue(client.deployment(event, body).recorded());
        }
        assertEquals("{\"lease_seconds\":1}", service.bodies().get(1).replace(" ", ""));
        assertEquals(service.bodies().get(1), service.bodies().get(2));
        assertFalse(log.toString().contains("could not be said"), log::toString);
    }

    @Test
    void aLeaseOfAPlainEventIsRefused() {
        try (Client client = client()) {
            DeploymentEvent event = DeploymentEvent.of(Map.of("lease", 600));
            UsageException refused =
                    assertThrows(UsageException.class, () -> client.trackDeployment(event));
            assertEquals("lease", refused.outcome().argument());
            assertThrows(UsageException.class, () -> client.checkDeployment(event));
            assertThrows(UsageException.class, () -> client.explainDeployment(event));
        }
    }

    @Test
    void whatWouldBeSentIsExplained() {
        try (Client client = client()) {
            Explanation explanation = client.explainDeployment(EVENT);
            assertEquals("POST", explanation.method());
            assertEquals(service.url() + "/deployment-events/", explanation.url());
            assertEquals("Bearer [API key]", explanation.headers().get("Authorization"));
            assertTrue(
                    JsonParser.parseString(explanation.body())
                            .getAsJsonObject()
                            .has("product_name"));
            assertTrue(
                    explanation.values().toString().contains("version 1.2.3 (argument)"),
                    explanation::toString);
            assertTrue(
                    explanation.settings().stream().anyMatch(one -> one.field().equals("api_url")));
            assertEquals(List.of(), explanation.warnings());
            assertEquals(0, service.requests());
            Explanation build = client.explainBuild(Map.of("product", "api", "version", 1));
            assertEquals(service.url() + "/build-events/", build.url());
            UsageException refused =
                    assertThrows(
                            UsageException.class,
                            () -> client.explainBuild(Map.of("product", "api")));
            assertEquals("version", refused.outcome().argument());
        }
    }
}
