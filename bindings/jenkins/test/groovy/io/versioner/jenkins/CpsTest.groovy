package io.versioner.jenkins

import static org.junit.jupiter.api.Assertions.assertEquals
import static org.junit.jupiter.api.Assertions.assertFalse
import static org.junit.jupiter.api.Assertions.assertThrows
import static org.junit.jupiter.api.Assertions.assertTrue

import com.lesfurets.jenkins.unit.cps.BasePipelineTestCPS
import com.lesfurets.jenkins.unit.cps.PipelineTestHelperCPS
import com.lesfurets.jenkins.unit.global.lib.LibraryConfiguration
import com.lesfurets.jenkins.unit.global.lib.SourceRetriever
import groovy.json.JsonSlurper
import io.versioner.AnsweringServer
import io.versioner.PolledCall
import io.versioner.VersionerServer
import java.nio.file.Path
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir

/**
 * Runs a Jenkinsfile as Jenkins does: transformed to continuations, and after each step all that
 * it keeps is written and read.
 */
@Timeout(60L)
class CpsTest extends BasePipelineTestCPS {

    /** `env`. As in Jenkins, what is written of it holds no value of a credential. */
    static class Env extends GroovyObjectSupport implements Serializable {

        private static final long serialVersionUID = 1L
        private static final Map<String, String> VARIABLES = [:]

        Map<String, String> getEnvironment() {
            return VARIABLES
        }

        @Override
        Object getProperty(String name) {
            return VARIABLES[name]
        }

    }

    /** Looks for the key in all that is written. */
    static class Helper extends PipelineTestHelperCPS {

        String key
        int writes

        @Override
        <T> T roundtripSerialization(T object) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream()
            new ObjectOutputStream(bytes).writeObject(object)
            assertFalse(bytes.toString('ISO-8859-1').contains(key))
            writes++
            return super.roundtripSerialization(object)
        }

    }

    private static final Map<String, Object> VALUES =
        [product: 'api', environment: 'production', version: '1.2.3', credentialsId: 'versioner-api-key']

    @TempDir
    public Path folder

    private VersionerServer server
    private Closure<?> pipeline

    CpsTest() {
        helper = new Helper()
    }

    @Override
    @BeforeEach
    void setUp() {
        server = new VersionerServer(folder)
        helper.key = server.key()
        Env.VARIABLES.clear()
        Env.VARIABLES.putAll(VERSIONER_API_URL: server.url(), JENKINS_URL: 'https://jenkins.example/')
        scriptRoots = ['test/pipelines'] as String[]
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
            names.each { Env.VARIABLES[it] = server.key() }
            try {
                return helper.callClosure(body)
            } finally {
                names.each { Env.VARIABLES.remove(it) }
            }
        }
        binding.setVariable('env', new Env())
        binding.setVariable('currentBuild', [currentResult: 'SUCCESS', description: null])
        pipeline = runScript('Jenkinsfile')
    }

    @AfterEach
    void stop() {
        server.close()
    }

    @Test
    void aPipelineDeploys() {
        assertEquals('done', helper.callClosure(pipeline, [VALUES] as Object[]))
        assertEquals(1, helper.methodCallCount('sh'))
        assertTrue(helper.writes > 0)
        List<String> log = helper.callStack.findAll { it.methodName == 'echo' }*.argsToString()
        List<String> warnings = log.findAll { it.startsWith('Versioner warns: ') }
        assertEquals(1, warnings.size(), log.toString())
        assertTrue(warnings.every { it.contains('was not known until now') }, log.toString())
        log -= warnings
        assertEquals(3, log.size(), log.toString())
        assertTrue(log.every { it.startsWith('✓ ') }, log.toString())
    }

    /** What was known only in memory is gone, as after a restart of the controller. */
    private static void restart() {
        PolledCall.PREPARED.clear()
        PolledCall.CALLS.clear()
    }

    private static List<String> statuses(AnsweringServer service) {
        return service.bodies().collect { new JsonSlurper().parseText(it).status }
    }

    /** Restarts the controller once, while a request waits for its answer. */
    private void restartWhileAnswerIsAwaited(AnsweringServer service) {
        int before = service.requests()
        service.hold()
        boolean isOver = false
        helper.registerAllowedMethod('sleep', [Map]) {
            Thread.sleep(1)
            if (!isOver && service.requests() > before) {
                isOver = true
                restart()
                service.release()
            }
        }
    }

    @Test
    void aRestartWhileItAsksAsksAgainForTheSameDeployment() {
        AnsweringServer service = new AnsweringServer()
        Map<String, Object> values = VALUES + [api_url: service.url()]
        restartWhileAnswerIsAwaited(service)
        assertEquals('done', helper.callClosure(pipeline, [values] as Object[]))
        assertEquals(['started', 'started', 'completed'], statuses(service))
        assertEquals(service.keys()[0], service.keys()[1])
        assertEquals(1, helper.methodCallCount('sh'))
        service.close()
    }

    @Test
    void aRestartBetweenThePreparationAndTheQuestionLosesNothing() {
        AnsweringServer service = new AnsweringServer()
        helper.registerAllowedMethod('sleep', [Map]) {
            PolledCall.PREPARED.clear()
            Thread.sleep(1)
        }
        helper.callClosure(pipeline, [VALUES + [api_url: service.url()]] as Object[])
        assertEquals(['started', 'completed'], statuses(service))
        service.close()
    }

    @Test
    void aRestartInTheBodyIsTheEndOfNothing() {
        helper.registerAllowedMethod('sh', [String]) { restart() }
        assertEquals('done', helper.callClosure(pipeline, [VALUES] as Object[]))
        assertTrue(server.get('/deployments/').contains('"status":"completed"'), server.get('/deployments/'))
    }

    @Test
    void aRestartWhileTheEndIsToldTellsItAgain() {
        AnsweringServer service = new AnsweringServer()
        helper.registerAllowedMethod('sh', [String]) { restartWhileAnswerIsAwaited(service) }
        helper.callClosure(pipeline, [VALUES + [api_url: service.url()]] as Object[])
        assertEquals(['started', 'completed', 'completed'], statuses(service))
        assertEquals(service.keys()[1], service.keys()[2])
        service.close()
    }

    @Test
    void aPipelineThatIsAbortedSaysSo() {
        helper.registerAllowedMethod('sh', [String]) { throw new IllegalStateException(new InterruptedException()) }
        assertThrows(IllegalStateException) { helper.callClosure(pipeline, [VALUES] as Object[]) }
        assertTrue(server.get('/deployments/').contains('"status":"aborted"'), server.get('/deployments/'))
    }

    @Test
    void aRejectionFailsTheStageAndTheBodyDoesNotRun() {
        server.requireApproval()
        Throwable rejection = assertThrows(IOException) {
            helper.callClosure(pipeline, [VALUES] as Object[])
        }
        assertTrue(rejection.message.startsWith('Versioner (approval_required): '), rejection.message)
        assertEquals(0, helper.methodCallCount('sh'))
        assertTrue(binding.getVariable('currentBuild').description.contains('Production needs an approval'))
    }

}
