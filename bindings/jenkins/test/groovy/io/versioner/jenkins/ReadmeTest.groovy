package io.versioner.jenkins

import static org.junit.jupiter.api.Assertions.assertEquals

import com.lesfurets.jenkins.unit.BasePipelineTest
import com.lesfurets.jenkins.unit.global.lib.LibraryConfiguration
import com.lesfurets.jenkins.unit.global.lib.SourceRetriever
import groovy.json.JsonSlurper
import io.versioner.VersionerServer
import java.nio.file.Path
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir

/** The pipelines of the READMEs, as somebody pastes them. */
@Timeout(60L)
class ReadmeTest extends BasePipelineTest {

    @TempDir
    public Path folder

    private VersionerServer server
    private final Map<String, String> variables = [:]

    @Override
    @BeforeEach
    void setUp() {
        server = new VersionerServer(folder)
        variables.putAll(VERSIONER_API_URL: server.url(), JENKINS_URL: 'https://jenkins.example/')
        scriptRoots = [folder.toString()] as String[]
        scriptExtension = ''
        super.setUp()
        SourceRetriever here = { String repository, String version, String target ->
            [new File('.').canonicalFile.toURI().toURL()]
        } as SourceRetriever
        helper.registerSharedLibrary(LibraryConfiguration.library()
            .name('versioner').retriever(here).targetPath('.').defaultVersion('main').build())
        helper.registerAllowedMethod('sleep', [Map]) { Thread.sleep(1) }
        helper.registerAllowedMethod('error', [String]) { String message -> throw new IOException(message) }
        helper.registerAllowedMethod('withCredentials', [List, Closure]) { List<String> names, Closure<?> body ->
            names.each { variables[it] = server.key() }
            try {
                return body()
            } finally {
                names.each { variables.remove(it) }
            }
        }
        // What a declarative pipeline is written in; this version of the runner knows scripted ones only.
        ['pipeline', 'stages', 'steps'].each { word ->
            helper.registerAllowedMethod(word, [Closure]) { Closure<?> body -> body() }
        }
        helper.registerAllowedMethod('agent', [String]) { }
        binding.setVariable('any', 'any')
        binding.setVariable('env', new Env(variables))
        binding.setVariable('currentBuild', [currentResult: 'SUCCESS', description: null])
    }

    @AfterEach
    void stop() {
        server.close()
    }

    /** `env`. */
    static class Env extends GroovyObjectSupport {

        private final Map<String, String> variables

        Env(Map<String, String> variables) {
            this.variables = variables
        }

        Map<String, String> getEnvironment() {
            return this.@variables
        }

        @Override
        Object getProperty(String name) {
            return this.@variables[name]
        }

    }

    private List<String> scripts() {
        return helper.callStack.findAll { it.methodName == 'sh' }*.argsToString()
    }

    private List<String> statuses() {
        return new JsonSlurper().parseText(server.get('/deployments/')).items*.status
    }

    private void paste(String readme) {
        String text = new File('../..', readme).getText('UTF-8')
        folder.resolve('Jenkinsfile').toFile().text =
            text.find(/(?ms)^```groovy\n(.*?)^```$/) { String all, String block -> block }
        runScript('Jenkinsfile')
    }

    @Test
    void thePipelineOfTheReadmeBuildsAndDeploys() {
        paste('bindings/jenkins/README.md')
        assertEquals(['./build.sh', './deploy.sh'], scripts())
        assertEquals(['completed'], statuses())
        assertEquals(1, new JsonSlurper().parseText(server.get('/builds/')).items.size())
    }

    @Test
    void thePipelineOfTheFirstReadmeDeploys() {
        paste('README.md')
        assertEquals(['./deploy.sh'], scripts())
        assertEquals(['completed'], statuses())
    }

}
