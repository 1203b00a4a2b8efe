// Runs triggers of a Groovy notification plugin, as Rundeck's builder does: notify.groovy PLUGIN
// Each line that it reads is [TRIGGER, DATA, CONFIGURATION], and each that it writes [RESULT, SAID]: the
// verdict of the trigger, or with the trigger `describe` the properties, and what went to standard error.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper

class Builder {
    String title
    String description
    Map<String, Map> properties = [:]
    Map<String, Closure> triggers = [:]

    void configuration(Closure body) {
        body.delegate = new Configuration(properties: properties)
        body.resolveStrategy = Closure.DELEGATE_ONLY
        body()
    }

    def methodMissing(String name, arguments) {
        triggers[name] = arguments[0]
    }
}

class Configuration {
    Map<String, Map> properties

    def methodMissing(String name, arguments) {
        properties[name] = arguments[0]
    }
}

def builder = new Builder()
def binding = new Binding(rundeckPlugin: { Class kind, Closure body ->
    assert kind.name == 'com.dtolabs.rundeck.plugins.notification.NotificationPlugin'
    body.delegate = builder
    body.resolveStrategy = Closure.DELEGATE_ONLY
    body()
})
new GroovyShell(this.class.classLoader, binding).evaluate(new File(args[0]))

def describe = {
    builder.properties.collect { name, facts -> "${name} ${facts.required} ${facts.defaultValue}".toString() } +
        builder.triggers.keySet().sort().join(' ')
}
def run = { trigger, data, configuration ->
    def handler = builder.triggers[trigger].clone()
    handler.delegate = [:]
    handler.resolveStrategy = Closure.DELEGATE_ONLY
    handler(data, configuration)
}
def standardError = System.err
System.in.eachLine { line ->
    def (trigger, data, configuration) = new JsonSlurper().parseText(line)
    def said = new ByteArrayOutputStream()
    System.err = new PrintStream(said, true, 'UTF-8')
    try {
        def result = trigger == 'describe' ? describe() : run(trigger, data, configuration)
        println(JsonOutput.toJson([result, said.toString('UTF-8')]))
    } finally {
        System.err = standardError
    }
}
