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

    /** The kinds after which nobody knows if the service has recorded the event. */
    private static final List<String> UNKNOWN = ['network', 'timeout', 'interrupted', 'internal', 'server']

    /** The rejections in the description, by what was rejected. Jenkins loads this class for each run. */
    private static final Map<String, String> DESCRIBED = [:]

    private static final IntRange SUCCESS = 200..299

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
        Map<String, Object> end = outcome(event, values)
        report(end, values)
        return end
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
        return ended(event, values, [:])
    }

    /**
     * Asks whether a deployment may start, runs the body if so, and tells how that ended. Only the
     * body counts: what else becomes of the build, such as a failure of a branch beside it, is
     * another matter. If nobody knows whether the start is recorded, because the pipeline was aborted
     * while it asked or no answer of Versioner came, `aborted` is told, so that nothing stays in
     * progress.
     *
     * @param values the step's named arguments
     * @param body what deploys
     * @return what the body returns
     */
    Object deployment(Map<String, Object> values, Closure<?> body) {
        Map<String, Object> started = values + [status: 'started']
        Map<String, String> call = [:]
        boolean isRefused = false
        boolean isRunning = false
        Object answer
        try {
            Map<String, Object> start = ended('deployment', started, call)
            isRefused = start.code != 0 && !isUnknown(start)
            report(start, started)
            isRunning = true
            answer = body()
        } catch (Throwable failure) {
            if (call.id && !isRefused) {
                tellEnd(values, isRunning && !isAbort(failure) ? 'failed' : 'aborted')
            }
            throw failure
        }
        complete(values)
        return answer
    }

    /**
     * Whether an event that failed may be recorded all the same: something in between, such as a
     * login, may have put a page of its own in the place of the answer.
     */
    @NonCPS
    private static boolean isUnknown(Map<String, Object> end) {
        return end.kind in UNKNOWN || (end.code != REJECTED && end.http_status in SUCCESS)
    }

    /** Tells of a deployment that is done; an abort of the pipeline meanwhile does not undo it. */
    private void complete(Map<String, Object> values) {
        try {
            track('deployment', values + [status: 'completed'])
        } catch (Throwable failure) {
            if (isAbort(failure)) {
                tellEnd(values, 'completed')
            }
            throw failure
        }
    }

    /**
     * Whether somebody or something aborted the pipeline: Jenkins throws an InterruptedException
     * of its own then, which code in between may have wrapped.
     */
    @NonCPS
    private static boolean isAbort(Throwable failure) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<Throwable, Boolean>())
        for (Throwable cause = failure; cause != null && seen.add(cause); cause = cause.cause) {
            if (cause instanceof InterruptedException) {
                return true
            }
        }
        return false
    }

    /** Tells of a deployment that failed; what goes wrong with that must not hide the failure. */
    private void tellEnd(Map<String, Object> values, String status) {
        try {
            track('deployment', values + [status: status])
        } catch (Exception second) {
            script.echo "Versioner does not know that the deployment ${status}: ${second.message}"
        }
    }

    /** Says how a call ended, and fails the stage for every code but 0. */
    private void report(Map<String, Object> end, Map<String, Object> values) {
        // By position: an iterator cannot be written to disk.
        for (int position = 0; position < end.warnings.size(); position++) {
            script.echo "Versioner warns: ${end.warnings[position].message}"
        }
        script.echo end.text as String
        if (end.code == REJECTED) {
            describe(subject(values), end.text as String)
        }
        if (end.code != 0) {
            script.error "Versioner (${end.kind}): ${end.message}"
        }
    }

    /** What an event is about. */
    @NonCPS
    private String subject(Map<String, Object> values) {
        return ['product', 'environment', 'version'].collect { name ->
            values[name] ?: script.env.getProperty("VERSIONER_${name.toUpperCase()}" as String)
        }.join(' ')
    }

    /** Puts a rejection into the build's description, in the place of the one before it. */
    private void describe(String what, String text) {
        String own = script.currentBuild.description ?: ''
        String before = DESCRIBED.put(what, text)
        if (before && own.contains(before)) {
            script.currentBuild.description = own.replace(before, text)
        } else if (!own.contains(text)) {
            script.currentBuild.description = own ? "${own}\n${text}" : text
        }
    }

    /** How a call ended. Its `id` stands in `call` as soon as something may have been sent. */
    private Map<String, Object> ended(String event, Map<String, Object> values, Map<String, String> call) {
        try {
            start(event, values, call)
            Map<String, Object> end = PolledCall.poll(call.id)
            int pause = FIRST_PAUSE
            while (end == null) {
                script.sleep(time: pause, unit: 'MILLISECONDS')
                pause = Math.min(2 * pause, LAST_PAUSE)
                end = PolledCall.poll(call.id)
            }
            return end
        } finally {
            if (call.id) {
                PolledCall.cancel(call.id)
            }
        }
    }

    private void start(String event, Map<String, Object> values, Map<String, String> call) {
        if (values.containsKey('api_key')) {
            throw new IllegalArgumentException(
                'api_key would show in the pipeline: keep it as a credential, and name that with credentialsId')
        }
        String credentialsId = values.credentialsId
        Map<String, Object> rest = values + [:]
        rest.remove('credentialsId')
        if (credentialsId) {
            script.withCredentials([script.string(credentialsId: credentialsId, variable: 'VERSIONER_API_KEY')]) {
                call.id = launch(event, rest)
            }
        } else {
            call.id = launch(event, rest)
        }
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
