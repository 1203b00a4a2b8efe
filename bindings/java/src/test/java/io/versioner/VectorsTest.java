package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
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
    private static final Gson GSON = new Gson();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static TestProcess server;
    private static String url;

    @BeforeAll
    static void start() throws IOException {
        String vectors = TestProcess.path("VERSIONER_VECTORS").toString();
        server = TestProcess.start("VERSIONER_SCRIPTED_SERVER", "--vectors", vectors);
        url = server.await("(http://\\S+)");
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
    }

    @TestFactory
    Stream<DynamicTest> cases() throws Exception {
        String[] names = GSON.fromJson(get("/cases?surface=java"), String[].class);
        assertFalse(names.length == 0, "no cases");
        return Stream.of(names).map(name -> DynamicTest.dynamicTest(name, () -> run(name)));
    }

    private static void run(String name) throws Exception {
        JsonObject start = new JsonObject();
        start.addProperty("case", name);
        start.addProperty("surface", "java");
        JsonObject run = GSON.fromJson(post("/start", GSON.toJson(start)), JsonObject.class);
        // As text, because the server compares numbers as they are written.
        String finish =
                "{\"run\": " + run.get("run") + ", \"result\": " + outcome(run).toJson() + "}";
        JsonObject verdict = GSON.fromJson(post("/finish", finish), JsonObject.class);
        assertEquals("[]", verdict.get("differences").toString(), name);
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
        return run.get("event").getAsString().equals("build")
                ? client.trackBuild(fields)
                : client.trackDeployment(fields);
    }

    private static Client.Builder builder(JsonObject run) {
        Client.Builder builder = Client.builder();
        builder.environment(texts(run.getAsJsonObject("environment")));
        run.getAsJsonObject("options")
                .entrySet()
                .forEach(option -> set(builder, option.getKey(), option.getValue()));
        return builder;
    }

    private static Client.Builder set(Client.Builder builder, String name, JsonElement value) {
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

    private static Map<String, String> texts(JsonObject object) {
        Map<String, String> texts = new LinkedHashMap<>();
        object.entrySet()
                .forEach(member -> texts.put(member.getKey(), member.getValue().getAsString()));
        return texts;
    }

    private static String get(String path) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(url + path)).build());
    }

    private static String post(String path, String body) throws Exception {
        URI uri = URI.create(url + path);
        return send(HttpRequest.newBuilder(uri).POST(BodyPublishers.ofString(body)).build());
    }

    private static String send(HttpRequest request) throws Exception {
        HttpResponse<String> answer = HTTP.send(request, BodyHandlers.ofString());
        assertEquals(200, answer.statusCode(), answer.body());
        return answer.body();
    }
}
