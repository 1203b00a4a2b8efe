package io.versioner.jenkins

import static org.junit.jupiter.api.Assertions.assertEquals

import com.google.gson.JsonObject
import groovy.json.JsonOutput
import io.versioner.ScriptedServer
import java.util.stream.Stream
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.TestFactory

/** Runs every shared case through the library; the scripted server judges. */
class VectorsTest {

    private static final String CREDENTIAL = 'versioner-api-key'

    private static ScriptedServer server

    @BeforeAll
    static void start() {
        server = new ScriptedServer('jenkins')
    }

    @AfterAll
    static void stop() {
        server.close()
    }

    @TestFactory
    Stream<DynamicTest> cases() {
        return server.cases().map { name -> DynamicTest.dynamicTest(name) { run(name) } }
    }

    /** What Jenkins detection reads is asked for by name, and so need not be of the whole run. */
    @TestFactory
    Stream<DynamicTest> casesOfDetectionFromThePlaceInThePipeline() {
        return server.cases()
            .filter { name -> name.startsWith('detection-jenkins/') }
            .map { name -> DynamicTest.dynamicTest(name) { run(name, true) } }
    }

    private static void run(String name, boolean isFromPlace = false) {
        JsonObject run = server.start(name)
        Pipeline pipeline = Pipeline.load('versionerTrackBuild')
        Map<String, String> environment = texts(run.getAsJsonObject('environment'))
        if (isFromPlace) {
            pipeline.variablesHere.putAll(environment)
        } else {
            pipeline.variables.putAll(environment)
        }
        Map<String, Object> values = texts(run.getAsJsonObject('fields')) + texts(run.getAsJsonObject('options'))
        String key = values.remove('api_key')
        if (key != null) {
            pipeline.credentials[CREDENTIAL] = key
            values.credentialsId = CREDENTIAL
        }
        Map<String, Object> outcome = pipeline.tracking().outcome(run.get('event').asString, values)
        assertEquals('[]', server.finish(run, json(outcome)), name)
    }

    /** As JSON; the details are JSON already, and their numbers count as written. */
    private static String json(Map<String, Object> outcome) {
        String details = outcome.details ?: 'null'
        String rest = JsonOutput.toJson(outcome.findAll { name, value -> name != 'details' })
        return """{"details": ${details}, ${rest.substring(1)}"""
    }

    private static Map<String, Object> texts(JsonObject object) {
        return object.entrySet().collectEntries { [it.key, it.value.asString] }
    }

}
