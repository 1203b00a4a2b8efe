package io.versioner.jenkins

import org.codehaus.groovy.control.CompilerConfiguration

/**
 * What a pipeline has besides the library: the few steps that it uses, `env`, `currentBuild` and
 * credentials. The scripts themselves run unchanged.
 */
abstract class Pipeline extends Script {

    /** What the step `error` throws. */
    static class AbortException extends IOException {

        AbortException(String message) {
            super(message)
        }

    }

    /** `env`: variables of the whole run, and of the place in the pipeline, which win. */
    static class Env extends GroovyObjectSupport {

        private final Pipeline pipeline

        Env(Pipeline pipeline) {
            this.pipeline = pipeline
        }

        Map<String, String> getEnvironment() {
            return this.@pipeline.variables
        }

        @Override
        Object getProperty(String name) {
            Pipeline pipeline = this.@pipeline
            return pipeline.variablesHere.containsKey(name) ? pipeline.variablesHere[name] : pipeline.variables[name]
        }

    }

    /** `currentBuild`. */
    static class Build {

        String description
        String currentResult = 'SUCCESS'

    }

    private static final GroovyScriptEngine ENGINE = new GroovyScriptEngine('vars', 'src').with {
        config = new CompilerConfiguration(scriptBaseClass: Pipeline.name)
        return it
    }

    final Map<String, String> variables = [:]
    final Map<String, String> variablesHere = [:]
    final Env env = new Env(this)
    final Build currentBuild = new Build()
    final Map<String, String> credentials = [:]
    final List<String> log = []

    /** What happens each time that the pipeline waits. */
    Closure<?> onSleep = { Thread.sleep(1) }

    /** What happens each time that the pipeline prints. */
    Closure<?> onEcho = { }

    /** A script of the library, with a run of its own. */
    static Pipeline load(String name) {
        return ENGINE.createScript("${name}.groovy", new Binding()) as Pipeline
    }

    /** The library's class, for this run. */
    Object tracking() {
        return getClass().classLoader.loadClass('io.versioner.jenkins.Tracking').newInstance([this] as Object[])
    }

    /** A deployment of the library, in this run. */
    Object deployment(Map<String, Object> values) {
        Class<?> type = getClass().classLoader.loadClass('io.versioner.jenkins.Deployment')
        return type.newInstance([this, values] as Object[])
    }

    void echo(String message) {
        log << message
        onEcho()
    }

    void error(String message) {
        throw new AbortException(message)
    }

    void sleep(Map<String, Object> arguments) {
        assert arguments.unit == 'MILLISECONDS'
        assert arguments.time >= 250
        onSleep()
    }

    Map<String, String> string(Map<String, String> binding) {
        return binding
    }

    Object withCredentials(List<Map<String, String>> bindings, Closure<?> body) {
        Map<String, String> before = new HashMap<>(variablesHere)
        for (Map<String, String> binding in bindings) {
            variablesHere[binding.variable] = credentials[binding.credentialsId]
        }
        try {
            return body()
        } finally {
            variablesHere.clear()
            variablesHere.putAll(before)
        }
    }

}
