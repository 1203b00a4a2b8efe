package io.versioner.jenkins

import com.cloudbees.groovy.cps.NonCPS
@Grab('io.versioner:versioner:0.1.0')
import io.versioner.PolledCall

/**
 * Calls of the binding in a pipeline. Each runs on a thread of its own; the pipeline only asks whether
 * it has ended, so that it holds up no other. What is kept between two steps are texts, numbers and
 * maps, because Jenkins may write a pipeline to disk at each of them; the API key is never kept.
 */
class Calls implements Serializable {

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

    private static final String SURFACE = 'jenkins'

    private static final int FIRST_PAUSE = 250
    private static final int LAST_PAUSE = 10000

    private final Object script

    /**
     * @param script what has the steps and `env`
     */
    Calls(Object script) {
        this.script = script
    }

    /**
     * Starts a call with the key of the credential that the values name.
     *
     * @param request `what` is to be done, and what that needs; see {@link #launch}
     * @param values the step's named arguments
     * @param call gets the call as `id`, or what the call gave at once as `result`; before anything
     *     else can happen to the pipeline
     */
    void start(Map<String, Object> request, Map<String, Object> values, Map<String, Object> call) {
        if (values.containsKey('api_key')) {
            throw new IllegalArgumentException(
                'api_key would show in the pipeline: keep it as a credential, and name that with credentialsId')
        }
        String credentialsId = values.credentialsId
        Map<String, Object> rest = values + [:]
        rest.remove('credentialsId')
        if (credentialsId) {
            script.withCredentials([script.string(credentialsId: credentialsId, variable: 'VERSIONER_API_KEY')]) {
                launch(request, rest, call)
            }
        } else {
            launch(request, rest, call)
        }
    }

    /**
     * Waits for a call.
     *
     * @param id from {@link #start}
     * @return how it ended; null if it is not known, because the controller was restarted
     */
    Map<String, Object> await(String id) {
        int pause = FIRST_PAUSE
        while (PolledCall.isKnown(id)) {
            List<String> progress = PolledCall.progress(id)
            Map<String, Object> end = PolledCall.poll(id)
            // By position: an iterator cannot be written to disk.
            for (int position = 0; position < progress.size(); position++) {
                script.echo "Versioner: ${progress[position]}"
            }
            if (end != null) {
                return end
            }
            script.sleep(time: pause, unit: 'MILLISECONDS')
            pause = Math.min(2 * pause, LAST_PAUSE)
        }
        return null
    }

    /**
     * Whether somebody or something aborted the pipeline: Jenkins throws an InterruptedException
     * of its own then, which code in between may have wrapped.
     */
    @NonCPS
    static boolean isAbort(Throwable failure) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<Throwable, Boolean>())
        for (Throwable cause = failure; cause != null && seen.add(cause); cause = cause.cause) {
            if (cause instanceof InterruptedException) {
                return true
            }
        }
        return false
    }

    /** Waits for a moment. */
    void pause() {
        script.sleep(time: FIRST_PAUSE, unit: 'MILLISECONDS')
    }

    /** Whether a call is known: the controller was not restarted since, and nobody was told its end. */
    @NonCPS
    boolean isKnown(String id) {
        return PolledCall.isKnown(id)
    }

    /** Ends a call, whose end is still told. */
    @NonCPS
    void interrupt(String id) {
        PolledCall.interrupt(id)
    }

    /** Ends a call whose end nobody wants to know. */
    @NonCPS
    void cancel(String id) {
        PolledCall.cancel(id)
    }

    /** Forgets a deployment that will not be asked for. */
    @NonCPS
    void forget(String span) {
        PolledCall.forget(span)
    }

    @NonCPS
    private void launch(Map<String, Object> request, Map<String, Object> values, Map<String, Object> call) {
        Map<String, String> environment = new TreeMap<String, String>(script.env.getEnvironment())
        for (String name in CONTEXT + PolledCall.variables()) {
            String value = script.env.getProperty(name)
            if (value?.trim()) {
                environment[name] = value
            }
        }
        switch (request.what) {
            case 'prepare':
                call.result = PolledCall.prepare(SURFACE, values, environment)
                break
            case 'ask':
                call.id = PolledCall.ask(request.span as String, SURFACE, values, environment)
                break
            case 'decide':
                Map<String, Object> end = request.end as Map<String, Object>
                call.result = PolledCall.decide(request.span as String, end, SURFACE, values, environment)
                break
            case 'tell':
                call.id = PolledCall.tell(request.span as String, SURFACE, values, environment)
                break
            default:
                call.id = PolledCall.start(request.what as String, SURFACE, values, environment)
        }
    }

}
