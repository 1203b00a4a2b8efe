package io.versioner;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.Supplier;

/** Performs a case of several calls on one client. */
final class Steps {
    private static final List<String> PER_CALL =
            List.of("part", "lease", "wait", "wait_for", "wait_superseded");

    private final Client client;
    private final boolean isBuild;
    private Span span;
    private String saved;

    Steps(Client client, String event) {
        this.client = client;
        this.isBuild = event.equals("build");
    }

    /** {@return a result for each step, null for one that has none} */
    String perform(JsonArray steps) {
        StringJoiner results = new StringJoiner(", ", "{\"steps\": [", "]}");
        for (JsonElement step : steps) {
            results.add(result(() -> perform(step.getAsJsonObject())));
        }
        return results.toString();
    }

    private static String result(Supplier<Outcome> step) {
        try {
            Outcome outcome = step.get();
            return outcome == null ? "null" : outcome.toJson();
        } catch (VersionerException failure) {
            return failure.outcome().toJson();
        }
    }

    private Outcome perform(JsonObject step) {
        String name = step.get("do").getAsString();
        switch (name) {
            case "begin":
                span = isBuild ? client.beginBuild(build(step)) : client.begin(event(step));
                return span.started();
            case "track":
                return client.trackDeployment(event(step));
            case "prepare":
                span = isBuild ? client.prepareBuild(build(step)) : client.prepare(event(step));
                return span.started();
            case "resume":
                span = client.resume(saved);
                return span.started();
            case "save":
                saved = span.save();
                return null;
            case "end":
                Map<String, Object> values = new HashMap<>(VectorsTest.texts(step));
                values.remove("do");
                values.computeIfPresent(
                        "exit_code", (key, code) -> Integer.valueOf(code.toString()));
                return span.end(values);
            case "free":
                span.letGo();
                return null;
            default:
                throw new AssertionError("this runner does not know the step " + name);
        }
    }

    private static BuildEvent build(JsonObject step) {
        return BuildEvent.of(VectorsTest.texts(step.getAsJsonObject("fields")));
    }

    private static DeploymentEvent event(JsonObject step) {
        Map<String, Object> values =
                new HashMap<>(VectorsTest.texts(step.getAsJsonObject("fields")));
        for (String name : PER_CALL) {
            if (step.has(name)) {
                values.put(name, step.get(name).getAsString());
            }
        }
        return DeploymentEvent.of(values);
    }
}
