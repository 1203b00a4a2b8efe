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
        String result = run.has('steps') ? steps(run, pipeline, values) : json(
            pipeline.tracking().outcome(run.get('event').asString, values))
        assertEquals('[]', server.finish(run, result), name)
    }

    /** The text of a deployment is saved and read all the time, so these steps do nothing. */
    private static String steps(JsonObject run, Pipeline pipeline, Map<String, Object> settings) {
        Object deployment
        List<String> results = run.getAsJsonArray('steps').collect { step ->
            Map<String, Object> values = step.entrySet()
                .findAll { it.value.jsonPrimitive }.collectEntries { [it.key, it.value.asString] }
            switch (values.remove('do')) {
                case 'begin':
                    deployment = pipeline.deployment(settings + texts(step.getAsJsonObject('fields')) + values)
                    return json(deployment.begin())
                case 'track':
                    Map<String, Object> event = settings + texts(step.getAsJsonObject('fields')) + values
                    return json(pipeline.tracking().outcome('deployment', event))
                case 'end':
                    if (values.exit_code) {
                        values.exit_code = values.exit_code as Integer
                    }
                    Map<String, Object> told = [:]
                    deployment.end(values, told)
                    return json(told.end)
                case ['save', 'resume']:
                    return 'null'
                default:
                    throw new AssertionError("this runner does not know the step ${step}")
            }
        }
        return """{"steps": [${results.join(', ')}]}"""
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
