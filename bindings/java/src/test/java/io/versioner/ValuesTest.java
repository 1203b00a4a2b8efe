package io.versioner;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a host may hand in beside text, and what it may not. */
class ValuesTest {
    private static final String TEXT = "2026-01-02T03:04:05Z";
    private static final Instant MOMENT = Instant.parse(TEXT);

    private static void assertRefused(String name, Object value, String... words) {
        Map<String, Object> values = Collections.singletonMap(name, value);
        UsageException refused =
                assertThrows(
                        UsageException.class, () -> DeploymentEvent.of(values), value::toString);
        assertEquals(Kind.INVALID_ARGUMENT, refused.kind());
        assertEquals(name, refused.outcome().argument());
        for (String word : words) {
            assertTrue(refused.getMessage().contains(word), refused.getMessage());
        }
    }

    private static String of(String name, Object value) {
        String event = DeploymentEvent.of(Collections.singletonMap(name, value)).toString();
        return event.substring("DeploymentEvent{".length(), event.length() - 1);
    }

    @Test
    void timesAreMoments() {
        OffsetDateTime elsewhere = OffsetDateTime.parse("2026-01-02T03:04+02:00");
        assertAll(
                () ->
                        assertEquals(
                                "BuildEvent{started_at="
                                        + TEXT
                                        + ", completed_at=2026-01-02T03:04:00+02:00}",
                                BuildEvent.builder()
                                        .startedAt(MOMENT)
                                        .completedAt(elsewhere)
                                        .build()
                                        .toString()),
                () -> assertEquals("completed_at=" + TEXT, of("completed_at", MOMENT)),
                () -> assertEquals("completed_at=" + TEXT, of("completed_at", Date.from(MOMENT))),
                () ->
                        assertEquals(
                                "completed_at=2026-01-02T03:03:05Z",
                                of(
                                        "completed_at",
                                        MOMENT.atOffset(ZoneOffset.ofTotalSeconds(30))
                                                .minusMinutes(1))),
                () ->
                        assertEquals(
                                "completed_at=2026-01-02T04:04:05+01:00",
                                of("completed_at", MOMENT.atZone(ZoneId.of("Europe/Berlin")))));
    }

    @Test
    void aTimeWithoutAZoneIsRefused() {
        assertRefused("completed_at", LocalDateTime.of(2026, 1, 2, 3, 4), "completed_at", "Local");
        assertRefused("completed_at", new java.sql.Date(0), "completed_at", "java.sql.Date");
        assertRefused("version", MOMENT, "version", "Instant");
    }

    @Test
    void whatHasNoSingleTextIsRefused() {
        assertRefused("version", List.of("1.2.3"), "version", "[1.2.3]");
        assertRefused("version", Map.of("a", 1), "version");
        assertRefused("version", false, "version", "Boolean");
        assertRefused("version", 1.10, "version", "Double", "1.1", "as a text");
        assertEquals("version=1.10", of("version", new BigDecimal("1.10")));
        assertEquals("build_number=42", of("build_number", 42L));
        assertEquals("{}", "{" + of("version", null) + "}");
    }

    @Test
    void noErrorShowsAKeyThatStandsInTheWrongPlace() {
        String key = "sk_test_k1_secretsecret";
        Map<String, Object> holder = Map.of("api_key", key);
        Map<String, Object> wrong =
                Map.of(
                        "version", holder,
                        "skip_preflight_checks", key,
                        "timeout", key,
                        "extra_metadata", Map.of(holder, 1));
        wrong.forEach(
                (name, value) -> {
                    Map<String, Object> values = Map.of(name, value);
                    UsageException refused =
                            assertThrows(UsageException.class, () -> DeploymentEvent.of(values));
                    assertFalse(refused.getMessage().contains("secret"), refused.getMessage());
                });
    }

    @Test
    void aBooleanIsABooleanOrAWordForOne() {
        for (Object yes : new Object[] {true, "True", " yes ", "on", 1}) {
            assertEquals("skip_preflight_checks=true", of("skip_preflight_checks", yes));
        }
        for (Object no : new Object[] {false, "No", "off", 0}) {
            assertEquals("skip_preflight_checks=false", of("skip_preflight_checks", no));
        }
        for (Object neither : new Object[] {"perhaps", 2, List.of(true), "truee"}) {
            assertRefused("skip_preflight_checks", neither, "skip_preflight_checks");
        }
    }

    @Test
    void aTimeoutIsADurationOrSeconds() {
        Object[] same = {Duration.ofMillis(2500), 2.5, new BigDecimal("2.50"), " 2.5 "};
        for (Object value : same) {
            assertEquals("timeout=2.5", of("timeout", value));
        }
        assertEquals("timeout=30.0", of("timeout", 30));
        assertEquals("{}", "{" + of("timeout", " ") + "}");
        Duration endless = ChronoUnit.FOREVER.getDuration();
        Object[] refused = {
            -1, Duration.ofNanos(-1), "30s", "30d", Double.NaN, 1e300, true, endless
        };
        for (Object value : refused) {
            assertRefused("timeout", value, "timeout", "seconds", String.valueOf(value));
        }
    }

    @Test
    void aTimeoutEndsOneCall() throws Exception {
        try (SilentServer server = new SilentServer();
                Client client =
                        Client.builder()
                                .apiKey("sk_test_k1_secretsecret")
                                .apiUrl(server.url())
                                .attemptTimeout(Duration.ofHours(1))
                                .totalTimeout(Duration.ofHours(2))
                                .environment(Map.of())
                                .build()) {
            BuildEvent.Builder build = BuildEvent.builder().product("api").version("1");
            build.timeout(Duration.ofMillis(20));
            VersionerException ended =
                    assertThrows(ConnectionException.class, () -> client.trackBuild(build.build()));
            assertEquals(Kind.TIMEOUT, ended.outcome().kind());
            assertTrue(ended.getMessage().contains("0.02 s"), ended.getMessage());
            build.timeout(Duration.ZERO);
            assertThrows(UsageException.class, () -> client.trackBuild(build.build()));
        }
    }

    @Test
    void metadataIsAMap() {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("team", new StringBuilder("a \"b\" \\ \n"));
        metadata.put("coverage", new BigDecimal("87.50"));
        metadata.put("large", new BigInteger("123456789012345678901234567890"));
        metadata.put("list", Arrays.asList(1, 2.5, true, null, List.of(), Map.of()));
        metadata.put("array", new String[] {"x"});
        metadata.put("at", MOMENT);
        String json =
                "{\"team\": \"a \\\"b\\\" \\\\ \\u000a\", \"coverage\": 87.50,"
                        + " \"large\": 123456789012345678901234567890,"
                        + " \"list\": [1, 2.5, true, null, [], {}], \"array\": [\"x\"],"
                        + " \"at\": \""
                        + TEXT
                        + "\"}";
        assertEquals("extra_metadata=" + json, of("extra_metadata", metadata));
        assertEquals(
                "BuildEvent{extra_metadata=" + json + "}",
                BuildEvent.builder().extraMetadata(metadata).build().toString());
    }

    @Test
    void metadataThatHasNoJsonIsNamed() {
        List<Object> itself = new ArrayList<>();
        itself.add(itself);
        Map<Object, Object> twice = new LinkedHashMap<>();
        twice.put("a", 1);
        twice.put(new StringBuilder("a"), 2);
        assertRefused("extra_metadata", Map.of("a", Double.NaN), "extra_metadata.a", "NaN");
        assertRefused("extra_metadata", Map.of(1, 2), "extra_metadata", "1", "no text");
        assertRefused("extra_metadata", Map.of("a", Map.of("b", 'x', "c", new Object())), "a.c");
        assertRefused("extra_metadata", twice, "\"a\" twice");
        Object shared = List.of();
        for (int times = 0; times < 60; times++) {
            shared = Arrays.asList(shared, shared);
        }
        Map<String, Object> huge = Map.of("a", shared);
        UsageException tooLong =
                assertThrows(
                        UsageException.class,
                        () -> BuildEvent.builder().extraMetadata(huge).build());
        assertTrue(tooLong.getMessage().contains("at most 102400"), tooLong.getMessage());
        Map<String, Object> endless = Map.of("a", itself);
        UsageException refused =
                assertThrows(
                        UsageException.class,
                        () -> BuildEvent.builder().extraMetadata(endless).build());
        assertTrue(refused.getMessage().contains("contains itself"), refused.getMessage());
    }

    @Test
    void metadataArrivesAsItWasWritten() throws Exception {
        try (AnsweringServer server = new AnsweringServer();
                Client client =
                        Client.builder()
                                .apiKey("sk_test_k1_secretsecret")
                                .apiUrl(server.url())
                                .environment(Map.of())
                                .build()) {
            Map<String, Object> metadata = Map.of("coverage", new BigDecimal("87.50"));
            client.trackBuild(
                    BuildEvent.builder()
                            .product("api")
                            .version("1")
                            .completedAt(MOMENT)
                            .extraMetadata(metadata)
                            .build());
            String sent = server.bodies().get(0);
            assertTrue(sent.contains("87.50"), sent);
            assertTrue(sent.contains(TEXT), sent);
        }
    }

    @Test
    void whatIsGivenPerCallArrives() throws Exception {
        try (AnsweringServer server = new AnsweringServer();
                Client client =
                        Client.builder()
                                .apiKey("sk_test_k1_secretsecret")
                                .apiUrl(server.url())
                                .environment(Map.of())
                                .build()) {
            DeploymentEvent.Builder event =
                    DeploymentEvent.builder().product("api").environment("e").version("${V}");
            assertThrows(UsageException.class, () -> client.trackDeployment(event.build()));
            event.allowLiteral(true).skipPreflightChecks(true).skipReason("fire");
            client.trackDeployment(event.build());
            client.trackBuild(Map.of("product", "api", "version", "${V}", "allow_literal", "yes"));
            String sent = server.bodies().get(0);
            assertTrue(sent.contains("${V}") && sent.contains("\"fire\""), sent);
            assertEquals(2, server.requests());
        }
    }

    @Test
    void halfACharacterIsNamed() throws Exception {
        String lone = String.valueOf((char) 0xd800);
        try (AnsweringServer server = new AnsweringServer();
                Client client =
                        Client.builder()
                                .apiKey("sk_test_k1_secretsecret")
                                .apiUrl(server.url())
                                .environment(Map.of("SOME_NAME", lone, "OTHER", "x"))
                                .build()) {
            BuildEvent event = BuildEvent.builder().product("api").version("1" + lone).build();
            UsageException refused =
                    assertThrows(UsageException.class, () -> client.trackBuild(event));
            assertTrue(refused.getMessage().startsWith("version "), refused.getMessage());
            assertEquals(0, server.requests());
        }
        String key = "sk_test_k1_secretsecret" + lone;
        ClientBuilder builder = Client.builder().apiKey(key).environment(Map.of());
        UsageException refused = assertThrows(UsageException.class, builder::build);
        assertTrue(refused.getMessage().startsWith("api_key "), refused.getMessage());
        assertFalse(refused.getMessage().contains("secretsecret"), refused.getMessage());
    }
}
