package io.versioner.jenkins

import com.cloudbees.groovy.cps.NonCPS

/**
 * What the steps do: calls, and what people see of them.
 */
class Tracking implements Serializable {

    private static final long serialVersionUID = 1L

    private static final int REJECTED = 5

    /** The rejections in the description, by what was rejected. Jenkins loads this class for each run. */
    private static final Map<String, String> DESCRIBED = [:]

    private static final String GIVEN = 'fail_on_api_error'

    private final Object script
    private final Calls calls

    /**
     * @param script what has the steps, `env` and `currentBuild`
     */
    Tracking(Object script) {
        this.script = script
        this.calls = new Calls(script)
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
     * Makes a call, whatever comes out.
     *
     * @param what `build`, `deployment` or `deployed_version`
     * @param values the step's named arguments
     * @return the outcome by the names that every surface shares
     */
    Map<String, Object> outcome(String what, Map<String, Object> values) {
        Map<String, Object> call = [:]
        try {
            calls.start([what: what], values, call)
            Map<String, Object> end = calls.await(call.id as String)
            if (end == null) {
                throw new IllegalStateException(
                    'the controller was restarted meanwhile; the event may or may not be recorded')
            }
            return end
        } finally {
            if (call.id) {
                calls.cancel(call.id as String)
            }
        }
    }

    /**
     * Tells which version of a product is deployed to an environment, and fails the stage if that
     * is not known.
     *
     * @param values the step's named arguments; `default` is the answer if nothing is deployed there
     * @return the version
     */
    String deployedVersion(Map<String, Object> values) {
        Map<String, Object> rest = values + [:]
        Object otherwise = rest.remove('default')
        Map<String, Object> end = outcome('deployed_version', rest)
        if (end.kind == 'not_deployed' && otherwise != null) {
            return otherwise
        }
        report(end, rest)
        return end.version
    }

    /**
     * Asks whether a deployment may begin, runs the body if so, and tells how that ended. Only the
     * body counts: what else becomes of the build, such as a failure of a branch beside it, is
     * another matter. An end that cannot be told changes nothing of what happened.
     *
     * @param values the step's named arguments
     * @param body what deploys
     * @return what the body returns
     */
    Object deployment(Map<String, Object> values, Closure<?> body) {
        Deployment deployment = new Deployment(script, values)
        Map<String, Object> start = deployment.begin()
        boolean isRunning = false
        Object answer
        try {
            report(start, values)
            isRunning = true
            answer = body()
        } catch (Throwable failure) {
            if (start.code == 0) {
                String status = isRunning && !Calls.isAbort(failure) ? 'failed' : 'aborted'
                tellUnsuccessful(deployment, [status: status, error_class: failure.class.name])
            }
            throw failure
        }
        complete(deployment, values)
        return answer
    }

    /** What goes wrong with the telling must not hide why the deployment did not succeed. */
    private void tellUnsuccessful(Deployment deployment, Map<String, Object> ending) {
        Map<String, Object> told = [:]
        try {
            deployment.end(ending, told)
            show(told.end, ending.status as String)
        } catch (Throwable second) {
            if (told.end == null) {
                script.echo "Versioner may not know that the deployment ${ending.status}: ${second.message}"
            }
        }
    }

    /** What has deployed stays so, whoever knows it. */
    private void complete(Deployment deployment, Map<String, Object> values) {
        Map<String, Object> told = [:]
        try {
            deployment.end([status: 'completed'], told)
        } finally {
            if (told.end != null) {
                show(told.end, 'completed')
            }
        }
        if (told.end.code != 0 && mustBeRecorded(values)) {
            script.error "The deployment completed; do not run it again for this: ${told.end.message}"
        }
    }

    /** Shows how the telling of an end went. */
    private void show(Map<String, Object> end, String status) {
        warn(end)
        if (end.code == 0) {
            script.echo end.text as String
        } else {
            script.echo "Versioner does not know that the deployment ${status}: ${end.message}"
        }
    }

    /** Whether somebody said so; it is the default otherwise, but not for what has happened. */
    @NonCPS
    private boolean mustBeRecorded(Map<String, Object> values) {
        Object given = values.containsKey(GIVEN) ? values[GIVEN] :
            script.env.getProperty("VERSIONER_${GIVEN.toUpperCase()}" as String)
        return "${given}".trim().toLowerCase() in ['true', 'yes', 'on', '1']
    }

    /** Says how a call ended, and fails the stage for every code but 0. */
    private void report(Map<String, Object> end, Map<String, Object> values) {
        warn(end)
        script.echo end.text as String
        if (end.code == REJECTED) {
            describe(subject(values), end.text as String)
        }
        if (end.code != 0) {
            script.error "Versioner (${end.kind}): ${end.message}"
        }
    }

    private void warn(Map<String, Object> end) {
        // By position: an iterator cannot be written to disk.
        for (int position = 0; position < (end.warnings ?: []).size(); position++) {
            script.echo "Versioner warns: ${end.warnings[position].message}"
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

}
