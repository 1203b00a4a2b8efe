package io.versioner.jenkins

import com.cloudbees.groovy.cps.NonCPS
@Grab('io.versioner:versioner:0.1.0')
import io.versioner.PolledCall

/**
 * Tracks events in a pipeline. What is kept between two steps are texts, numbers and maps, because
 * Jenkins may write a pipeline to disk at each of them; the API key is never kept.
 */
class Tracking implements Serializable {

    private static final long serialVersionUID = 1L

    /**
     * What the pipeline knows, beyond what belongs to the whole run, about where it is: agent,
     * checkout, person. The agent's own settings, such as its home and its proxies, are left out,
     * because it is the controller that connects.
     */
    private static final List<String> CONTEXT = [
        'JENKINS_URL', 'BUILD_NUMBER', 'BUILD_ID', 'BUILD_URL', 'JOB_NAME', 'NODE_NAME', 'EXECUTOR_NUMBER',
        'GIT_URL', 'GIT_COMMIT', 'GIT_BRANCH', 'BUILD_USER', 'BUILD_USER_EMAIL',
    ]

    private static final int REJECTED = 5
    private static final int FIRST_PAUSE = 250
    private static final int LAST_PAUSE = 4000

    private final Object script

    /**
     * @param script what has the steps, `env` and `currentBuild`
     */
    Tracking(Object script) {
        this.script = script
    }

    /**
     * Tracks an event, and fails the stage for every code but 0.
     *
     * @param event `build` or `deployment`
     * @param values the step's named arguments
     * @return the outcome by the names that every surface shares
     */
    Map<String, Object> track(String event, Map<String, Object> values) {
        Map<String, Object> ended = outcome(event, values)
        for (Map<String, Object> warning in ended.warnings) {
            script.echo "Versioner warns: ${warning.message}"
        }
        script.echo ended.text as String
        if (ended.code == REJECTED) {
            describe(ended.text as String)
        }
        if (ended.code != 0) {
            script.error "Versioner (${ended.kind}): ${ended.message}"
        }
        return ended
    }

    /**
     * Tracks an event, whatever comes out. The call runs on a thread of its own; the pipeline only
     * asks whether it has ended, so that it holds up no other.
     *
     * @param event `build` or `deployment`
     * @param values the step's named arguments
     * @return the outcome by the names that every surface shares
     */
    Map<String, Object> outcome(String event, Map<String, Object> values) {
        String call = start(event, values)
        try {
            Map<String, Object> ended = PolledCall.poll(call)
            int pause = FIRST_PAUSE
            while (ended == null) {
                script.sleep(time: pause, unit: 'MILLISECONDS')
                pause = Math.min(2 * pause, LAST_PAUSE)
                ended = PolledCall.poll(call)
            }
            return ended
        } finally {
            PolledCall.cancel(call)
        }
    }

    /**
     * Asks whether a deployment may start, runs the body if so, and tells how it ended.
     *
     * @param values the step's named arguments
     * @param body what deploys
     * @return what the body returns
     */
    Object deployment(Map<String, Object> values, Closure<?> body) {
        track('deployment', values + [status: 'started'])
        String before = script.currentBuild.currentResult
        Object answer
        try {
            answer = body()
        } catch (Throwable failure) {
            // Jenkins aborts a pipeline with an InterruptedException of its own.
            tellEnd(values, failure instanceof InterruptedException ? 'aborted' : 'failed')
            throw failure
        }
        track('deployment', values + [status: endStatus(before, script.currentBuild.currentResult)])
        return answer
    }

    /** What a body that threw nothing may have made of the build all the same. */
    private static String endStatus(String before, String after) {
        if (after == before) {
            return 'completed'
        }
        return [FAILURE: 'failed', ABORTED: 'aborted'].getOrDefault(after, 'completed')
    }

    /** Tells of a deployment that failed; what goes wrong with that must not hide the failure. */
    private void tellEnd(Map<String, Object> values, String status) {
        try {
            track('deployment', values + [status: status])
        } catch (Exception second) {
            script.echo "Versioner does not know that the deployment ${status}: ${second.message}"
        }
    }

    private void describe(String text) {
        String own = script.currentBuild.description
        script.currentBuild.description = own ? "${own}\n${text}" : text
    }

    private String start(String event, Map<String, Object> values) {
        if (values.containsKey('api_key')) {
            throw new IllegalArgumentException(
                'api_key would show in the pipeline: keep it as a credential, and name that with credentialsId')
        }
        String credentialsId = values.credentialsId
        Map<String, Object> rest = values + [:]
        rest.remove('credentialsId')
        if (!credentialsId) {
            return launch(event, rest)
        }
        String call = null
        script.withCredentials([script.string(credentialsId: credentialsId, variable: 'VERSIONER_API_KEY')]) {
            call = launch(event, rest)
        }
        return call
    }

    @NonCPS
    private String launch(String event, Map<String, Object> values) {
        Map<String, String> environment = new TreeMap<String, String>(script.env.getEnvironment())
        for (String name in CONTEXT + PolledCall.variables()) {
            String value = script.env.getProperty(name)
            if (value?.trim()) {
                environment[name] = value
            }
        }
        return PolledCall.start(event, 'jenkins', values, environment)
    }

}
