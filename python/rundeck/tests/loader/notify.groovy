// Runs one trigger of a Groovy notification plugin, as Rundeck's builder does:
//   notify.groovy PLUGIN TRIGGER DATA CONFIGURATION
// Its last line is `true` or `false`. With the trigger `describe` it prints the properties.
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

def (plugin, trigger, data, configuration) = args as List
def builder = new Builder()
def binding = new Binding(rundeckPlugin: { Class kind, Closure body ->
    assert kind.name == 'com.dtolabs.rundeck.plugins.notification.NotificationPlugin'
    body.delegate = builder
    body.resolveStrategy = Closure.DELEGATE_ONLY
    body()
})
new GroovyShell(this.class.classLoader, binding).evaluate(new File(plugin))
if (trigger == 'describe') {
    builder.properties.each { name, facts -> println("${name} ${facts.required} ${facts.defaultValue}") }
    println(builder.triggers.keySet().sort().join(' '))
} else {
    def handler = builder.triggers[trigger]
    handler.delegate = [:]
    handler.resolveStrategy = Closure.DELEGATE_ONLY
    println(handler(new JsonSlurper().parseText(data), new JsonSlurper().parseText(configuration)))
}
