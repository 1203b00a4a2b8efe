package io.versioner;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.stream.Stream;

/** The server that plays the service for the shared cases, and judges. */
public final class ScriptedServer implements AutoCloseable {
    private final Gson gson = new Gson();
    private final HttpClient http = HttpClient.newHttpClient();
    private final String surface;
    private final TestProcess process;
    private final String url;

    public ScriptedServer(String surface) throws IOException {
        this.surface = surface;
        String vectors = TestProcess.path("VERSIONER_VECTORS").toString();
        process = TestProcess.start("VERSIONER_SCRIPTED_SERVER", "--vectors", vectors);
        url = process.await("(http://\\S+)");
    }

    /** {@return the names of the cases of the surface, of which there is one at least} */
    public Stream<String> cases() throws Exception {
        String[] names = gson.fromJson(get("/cases?surface=" + surface), String[].class);
        if (names.length == 0) {
            throw new AssertionError("there are no cases for " + surface);
        }
        return Stream.of(names);
    }

    /** {@return what a case hands in} */
    public JsonObject start(String name) throws Exception {
        JsonObject start = new JsonObject();
        start.addProperty("case", name);
        start.addProperty("surface", surface);
        return gson.fromJson(post("/start", gson.toJson(start)), JsonObject.class);
    }

    /** {@return the differences, a JSON list} The result is text: numbers count as written. */
    public String finish(JsonObject run, String result) throws Exception {
        String finish = "{\"run\": " + run.get("run") + ", \"result\": " + result + "}";
        JsonObject verdict = gson.fromJson(post("/finish", finish), JsonObject.class);
        return verdict.get("differences").toString();
    }

    private String get(String path) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(url + path)).build());
    }

    private String post(String path, String body) throws Exception {
        URI uri = URI.create(url + path);
        return send(HttpRequest.newBuilder(uri).POST(BodyPublishers.ofString(body)).build());
    }

    private String send(HttpRequest request) throws Exception {
        HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new AssertionError(answer.statusCode() + " " + answer.body());
        }
        return answer.body();
    }

    @Override
    public void close() throws IOException {
        process.close();
    }
}
