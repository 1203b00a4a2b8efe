package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Runs every shared case; the scripted server judges. */
class VectorsTest {
    private static ScriptedServer server;

    @BeforeAll
    static void start() throws IOException {
        server = new ScriptedServer("java");
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
    }

    @TestFactory
    Stream<DynamicTest> cases() throws Exception {
        return server.cases().map(name -> DynamicTest.dynamicTest(name, () -> run(name)));
    }

    private static void run(String name) throws Exception {
        JsonObject run = server.start(name);
        String result = run.has("steps") ? steps(run) : outcome(run).toJson();
        assertEquals("[]", server.finish(run, result), name);
    }

    private static String steps(JsonObject run) {
        try (Client client = builder(run).build()) {
            return new Steps(client, run.get("event").getAsString())
                    .perform(run.getAsJsonArray("steps"));
        }
    }

    private static Outcome outcome(JsonObject run) {
        try (Client client = builder(run).build()) {
            return track(client, run);
        } catch (VersionerException failure) {
            return failure.outcome();
        }
    }

    private static Outcome track(Client client, JsonObject run) {
        Map<String, String> fields = texts(run.getAsJsonObject("fields"));
        switch (run.get("call").getAsString()) {
            case "check":
                return client.checkDeployment(fields);
            case "read":
                return client.read(run.get("path").getAsString(), query(run));
            case "state":
                return client.state(fields.get("product"));
            case "deployed_version":
                return client.deployedVersion(fields.get("product"), fields.get("environment"));
            default:
                break;
        }
        return run.get("event").getAsString().equals("build")
                ? client.trackBuild(fields)
                : client.trackDeployment(fields);
    }

    private static Map<String, String> query(JsonObject run) {
        Map<String, String> query = new LinkedHashMap<>();
        for (JsonElement pair : run.getAsJsonArray("query")) {
            query.put(
                    pair.getAsJsonArray().get(0).getAsString(),
                    pair.getAsJsonArray().get(1).getAsString());
        }
        return query;
    }

    private static ClientBuilder builder(JsonObject run) {
        ClientBuilder builder = Client.builder().listener((level, message) -> {});
        builder.environment(texts(run.getAsJsonObject("environment")));
        run.getAsJsonObject("options")
                .entrySet()
                .forEach(option -> set(builder, option.getKey(), option.getValue()));
        return builder;
    }

    private static ClientBuilder set(ClientBuilder builder, String name, JsonElement value) {
        switch (name) {
            case "api_key":
                return builder.apiKey(value.getAsString());
            case "api_url":
                return builder.apiUrl(value.getAsString());
            case "ui_url":
                return builder.uiUrl(value.getAsString());
            case "config":
                return builder.config(Path.of(value.getAsString()));
            case "ca_file":
                return builder.caFile(Path.of(value.getAsString()));
            case "client_cert":
                return builder.clientCert(Path.of(value.getAsString()));
            case "client_key":
                return builder.clientKey(Path.of(value.getAsString()));
            case "outbox":
                return builder.outbox(Path.of(value.getAsString()));
            case "fail_on_api_error":
                return builder.failOnApiError(value.getAsBoolean());
            case "max_retries":
                return builder.maxRetries(value.getAsInt());
            case "retry_pause":
                return builder.retryPause(seconds(value));
            case "attempt_timeout":
                return builder.attemptTimeout(seconds(value));
            case "total_timeout":
                return builder.totalTimeout(seconds(value));
            default:
                throw new AssertionError("the builder has no option " + name);
        }
    }

    private static Duration seconds(JsonElement value) {
        return Duration.ofNanos(value.getAsBigDecimal().movePointRight(9).longValueExact());
    }

    static Map<String, String> texts(JsonObject object) {
        Map<String, String> texts = new LinkedHashMap<>();
        object.entrySet()
                .forEach(member -> texts.put(member.getKey(), member.getValue().getAsString()));
        return texts;
    }
}
