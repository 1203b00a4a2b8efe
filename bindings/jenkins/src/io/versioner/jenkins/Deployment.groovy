package io.versioner.jenkins

/**
 * A deployment from its start to its end. All that a pipeline keeps of it is a text, which is there
 * before the service is asked: a controller that is restarted goes on with it.
 */
class Deployment implements Serializable {

    private static final long serialVersionUID = 1L

    private final Object script
    private final Calls calls
    private final Map<String, Object> values
    private String span

    /**
     * @param script what has the steps and `env`
     * @param values the step's named arguments
     */
    Deployment(Object script, Map<String, Object> values) {
        this.script = script
        this.calls = new Calls(script)
        this.values = values
    }

    /**
     * Asks whether it may begin. If the pipeline is aborted meanwhile, the start is taken back.
     *
     * @return how the start ended, by the names that every surface shares; only if its `code` is 0
     *     has it begun
     */
    Map<String, Object> begin() {
        if (values.lease) {
            throw new IllegalArgumentException(
                'lease is not kept here, because nobody renews it between two steps: leave it out')
        }
        Map<String, Object> call = [:]
        calls.start([what: 'prepare'], values, call)
        if (call.result.code != 0) {
            return call.result
        }
        span = call.result.span
        Map<String, Object> start = null
        Map<String, Object> asking = [:]
        try {
            // Jenkins writes the text to disk before it waits, and so before the service is asked.
            calls.pause()
            while (start == null) {
                calls.start([what: 'ask', span: span], values, asking)
                // Null after a restart: the same deployment is asked for again.
                start = calls.await(asking.id)
            }
        } catch (Throwable abort) {
            takeBack(asking.id)
            throw abort
        }
        span = start.span ?: span
        return start
    }

    /**
     * Tells how it ended. An abort of the pipeline meanwhile does not end the telling, and is thrown
     * after it.
     *
     * @param ending `status`, and what else an end of the binding has
     * @param told gets how the telling went as `end`, also if it throws
     */
    void end(Map<String, Object> ending, Map<String, Object> told) {
        Map<String, Object> decided = [:]
        Map<String, Object> telling = [:]
        Throwable abort = null
        while (told.end == null) {
            try {
                if (decided.result == null) {
                    decide(ending, decided)
                }
                if (decided.result.code != 0) {
                    told.end = decided.result
                } else {
                    tell(telling, told)
                }
            } catch (Throwable interruption) {
                if (abort != null || !Calls.isAbort(interruption)) {
                    throw interruption
                }
                abort = interruption
            }
        }
        if (abort != null) {
            throw abort
        }
    }

    private void decide(Map<String, Object> ending, Map<String, Object> decided) {
        calls.start([what: 'decide', span: span, end: ending], values, decided)
        if (decided.result.code == 0) {
            span = decided.result.span
            // As above: what is told again after a restart must be the same.
            calls.pause()
        }
    }

    private void tell(Map<String, Object> telling, Map<String, Object> told) {
        if (!telling.id || !calls.isKnown(telling.id as String)) {
            calls.start([what: 'tell', span: span], values, telling)
        }
        Map<String, Object> end = calls.await(telling.id as String)
        span = end?.span ?: span
        told.end = end
    }

    /** Leaves nothing in progress of a start that was cut off. */
    private void takeBack(String asking) {
        try {
            if (!asking) {
                calls.forget(span)
                return
            }
            calls.interrupt(asking)
            Map<String, Object> start = calls.await(asking)
            if (start != null && start.code != 0) {
                script.echo start.message as String
                return
            }
            span = start?.span ?: span
            Map<String, Object> told = [:]
            end([status: 'aborted'], told)
            script.echo told.end.text as String
        } catch (Throwable second) {
            script.echo "Versioner may not know that the deployment was aborted: ${second.message}"
        }
    }

}
