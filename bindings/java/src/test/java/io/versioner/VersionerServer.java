package io.versioner;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;

/** A real versioner-server with an empty database. */
public final class VersionerServer implements AutoCloseable {
    private final TestProcess process;
    private final String key;
    private final String url;

    public VersionerServer(Path folder) throws IOException {
        String data = folder.resolve("data").toString();
        process = TestProcess.start("VERSIONER_SERVER", "--data", data, "--listen", "127.0.0.1:0");
        key = process.await("^API key.* (\\S+)$");
        url = process.await("^Listening on (\\S+)$");
    }

    /** {@return the first key of the account} */
    public String key() {
        return key;
    }

    /** {@return the base URL} */
    public String url() {
        return url;
    }

    /** Makes production need a release approval. */
    public void requireApproval() throws IOException, InterruptedException {
        post(
                "/deployment-rules/",
                "{\"name\": \"Production needs an approval\", \"type\": \"release_approval\","
                        + " \"environments\": [\"production\"], \"create\": true,"
                        + " \"config\": {\"required_approvals\": 1, \"keys\": true,"
                        + " \"exclude_deployer\": false}}");
    }

    /** Approves a version for production. */
    public void approve(String versionId) throws IOException, InterruptedException {
        post(
                "/versions/" + versionId + "/approvals/",
                "{\"type\": \"release\", \"environment\": \"production\","
                        + " \"approved_by\": \"maria\"}");
    }

    /** {@return the answer to a question, as JSON} */
    public String get(String path) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(url + path)));
    }

    private void post(String path, String body) throws IOException, InterruptedException {
        send(HttpRequest.newBuilder(URI.create(url + path)).POST(BodyPublishers.ofString(body)));
    }

    private String send(HttpRequest.Builder builder) throws IOException, InterruptedException {
        HttpRequest request =
                builder.header("Authorization", "Bearer " + key)
                        .header("Content-Type", "application/json")
                        .build();
        HttpResponse<String> answer =
                HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        if (answer.statusCode() / 100 != 2) {
            throw new AssertionError(answer.statusCode() + " " + answer.body());
        }
        return answer.body();
    }

    @Override
    public void close() throws IOException {
        process.close();
    }
}
