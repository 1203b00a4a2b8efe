package io.versioner.jenkins

import static org.junit.jupiter.api.Assertions.assertEquals
import static org.junit.jupiter.api.Assertions.assertFalse
import static org.junit.jupiter.api.Assertions.assertThrows
import static org.junit.jupiter.api.Assertions.assertTrue

import groovy.json.JsonSlurper
import io.versioner.AnsweringServer
import io.versioner.SilentServer
import io.versioner.VersionerServer
import java.nio.file.Path
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir

/** Runs the scripts in the Groovy of Jenkins against the real server. */
@Timeout(60L)
class StoryTest {

    private static final String CREDENTIAL = 'versioner-api-key'
    private static final Map<String, Object> VALUES = [
        product: 'api', environment: 'production', version: '1.2.3', credentialsId: CREDENTIAL,
    ]

    @TempDir
    public Path folder

    private VersionerServer server

    @BeforeEach
    void start() {
        server = new VersionerServer(folder)
    }

    @AfterEach
    void stop() {
        server.close()
    }

    private Pipeline pipeline(String script) {
        Pipeline pipeline = Pipeline.load(script)
        pipeline.credentials[CREDENTIAL] = server.key()
        pipeline.variables.VERSIONER_API_URL = server.url()
        pipeline.variables.JENKINS_URL = 'https://jenkins.example/'
        pipeline.variables.BUILD_NUMBER = '42'
        return pipeline
    }

    private Map<String, Object> lastDeployment() {
        return new JsonSlurper().parseText(server.get('/deployments/')).items.find()
    }

    private static Throwable failure(Closure<?> call) {
        return assertThrows(Throwable) { call() }
    }

    @Test
    void aVersionIsBuiltRefusedApprovedAndDeployed() {
        server.requireApproval()
        Map<String, Object> built =
            pipeline('versionerTrackBuild').call(product: 'api', version: '1.2.3', credentialsId: CREDENTIAL)
        assertEquals('jenkins', built.source_system)

        boolean isDeployed = false
        Pipeline refused = pipeline('versionerDeployment')
        Throwable rejection = failure { refused.call(VALUES) { isDeployed = true } }
        assertFalse(isDeployed)
        assertTrue(rejection instanceof Pipeline.AbortException)
        assertTrue(rejection.message.startsWith('Versioner (approval_required): '), rejection.message)
        assertTrue(refused.log.last().contains('Rule: Production needs an approval'), refused.log.toString())
        assertEquals(refused.log.last(), refused.currentBuild.description)

        server.approve(built.version_id)
        assertEquals('done', pipeline('versionerDeployment').call(VALUES) {
            assertEquals('started', lastDeployment().status)
            isDeployed = true
            return 'done'
        })
        assertTrue(isDeployed)
        assertEquals('completed', lastDeployment().status)
        assertEquals('42', lastDeployment().build_number)
    }

    @Test
    void aBodyThatFailsEndsTheDeploymentAsFailed() {
        Throwable thrown = failure {
            pipeline('versionerDeployment').call(VALUES) { throw new IOException('no space') }
        }
        assertEquals('no space', thrown.message)
        assertEquals('failed', lastDeployment().status)
    }

    @Test
    void aBodyThatIsAbortedEndsTheDeploymentAsAborted() {
        failure { pipeline('versionerDeployment').call(VALUES) { throw new InterruptedException() } }
        assertEquals('aborted', lastDeployment().status)
    }

    @Test
    void anAbortThatSomethingWrappedIsOneToo() {
        failure {
            pipeline('versionerDeployment').call(VALUES) {
                throw new IllegalStateException('deploy.sh', new IOException(new InterruptedException()))
            }
        }
        assertEquals('aborted', lastDeployment().status)
    }

    @Test
    void onlyTheBodySaysHowTheDeploymentEnded() {
        Pipeline pipeline = pipeline('versionerDeployment')
        // As a branch beside it does that fails meanwhile.
        pipeline.call(VALUES) { pipeline.currentBuild.currentResult = 'FAILURE' }
        assertEquals('completed', lastDeployment().status)
        pipeline.call(VALUES + [version: '2']) { }
        assertEquals('completed', lastDeployment().status)
        failure { pipeline.call(VALUES + [version: '3']) { throw new IOException('no space') } }
        assertEquals('failed', lastDeployment().status)
    }

    /** Aborts the pipeline while the next answer is awaited. */
    private static void abortAsking(Pipeline pipeline, AnsweringServer service) {
        int before = service.requests()
        service.hold()
        // As a property it would become a variable of the script.
        pipeline.setOnSleep {
            Thread.sleep(1)
            if (service.requests() > before) {
                service.release()
                pipeline.setOnSleep { Thread.sleep(1) }
                throw new InterruptedException()
            }
        }
    }

    private static List<String> statuses(AnsweringServer service) {
        return service.bodies().collect { new JsonSlurper().parseText(it).status }
    }

    @Test
    void anAbortWhileItAsksIsTold() {
        AnsweringServer service = new AnsweringServer()
        Pipeline pipeline = pipeline('versionerDeployment')
        abortAsking(pipeline, service)
        Throwable thrown = failure {
            pipeline.call(VALUES + [api_url: service.url()]) { throw new AssertionError('it deploys') }
        }
        assertTrue(thrown instanceof InterruptedException)
        assertEquals(['started', 'aborted'], statuses(service))
        service.close()
    }

    @Test
    void anAbortWhileItAsksLeavesNothingInProgress() {
        Pipeline pipeline = pipeline('versionerDeployment')
        int waits = 0
        pipeline.setOnSleep {
            // The first time it has not asked yet.
            if (++waits == 2) {
                throw new InterruptedException()
            }
            Thread.sleep(1)
        }
        failure { pipeline.call(VALUES) { throw new AssertionError('it deploys') } }
        assertEquals('done', pipeline.call(VALUES + [version: '2']) { 'done' })
        assertEquals('completed', lastDeployment().status)
    }

    @Test
    void anAbortBeforeItAsksSendsNothing() {
        AnsweringServer service = new AnsweringServer()
        Pipeline pipeline = pipeline('versionerDeployment')
        pipeline.setOnSleep { throw new InterruptedException() }
        failure { pipeline.call(VALUES + [api_url: service.url()]) { throw new AssertionError('it deploys') } }
        assertEquals(0, service.requests())
        service.close()
    }

    @Test
    void anAbortBeforeTheBodyLeavesNothingInProgress() {
        Pipeline pipeline = pipeline('versionerDeployment')
        pipeline.setOnEcho { throw new InterruptedException() }
        failure { pipeline.call(VALUES) { throw new AssertionError('it deploys') } }
        assertEquals('aborted', lastDeployment().status)
        pipeline.setOnEcho { }
        assertEquals('done', pipeline.call(VALUES + [version: '2']) { 'done' })
    }

    @Test
    void anAbortWhileTheEndIsToldDoesNotUndoTheDeployment() {
        AnsweringServer service = new AnsweringServer()
        Pipeline pipeline = pipeline('versionerDeployment')
        Throwable thrown = failure {
            pipeline.call(VALUES + [api_url: service.url()]) { abortAsking(pipeline, service) }
        }
        assertTrue(thrown instanceof InterruptedException)
        assertEquals(['started', 'completed'], statuses(service))
        service.close()
    }

    @Test
    void aDeploymentThatSucceededStaysSoIfNobodyCanBeTold() {
        [[:], [fail_on_api_error: true]].each { Map<String, Object> more ->
            AnsweringServer service = new AnsweringServer()
            Pipeline pipeline = pipeline('versionerDeployment')
            Map<String, Object> values = VALUES + [api_url: service.url(), max_retries: 0] + more
            Closure<?> deploy = {
                pipeline.call(values) {
                    service.close()
                    return 'done'
                }
            }
            if (more) {
                Throwable thrown = failure(deploy)
                assertTrue(thrown.message.startsWith('The deployment completed; '), thrown.message)
            } else {
                assertEquals('done', deploy())
            }
            assertTrue(pipeline.log.last().startsWith('Versioner does not know that the deployment completed: '))
            assertEquals(['started'], statuses(service))
        }
    }

    @Test
    void aDeploymentWaitsForItsApproval() {
        server.requireApproval()
        Map<String, Object> built =
            pipeline('versionerTrackBuild').call(product: 'api', version: '1.2.3', credentialsId: CREDENTIAL)
        Pipeline pipeline = pipeline('versionerDeployment')
        pipeline.setOnEcho {
            if (pipeline.log.last().startsWith('Versioner: waiting: ')) {
                server.approve(built.version_id)
            }
        }
        assertEquals('done', pipeline.call(VALUES + [wait: 60]) { 'done' })
        assertTrue(pipeline.log.any { it.contains('Production needs an approval') }, pipeline.log.toString())
        assertEquals('completed', lastDeployment().status)
    }

    @Test
    void anAbortEndsTheWait() {
        server.requireApproval()
        Pipeline pipeline = pipeline('versionerDeployment')
        pipeline.setOnEcho {
            pipeline.setOnEcho { }
            throw new InterruptedException()
        }
        failure { pipeline.call(VALUES + [wait: 600]) { throw new AssertionError('it deploys') } }
        assertFalse(server.get('/deployments/').contains('"status":"started"'))
    }

    @Test
    void aLeaseThatNobodyWouldRenewIsRefused() {
        Throwable refused = failure { pipeline('versionerDeployment').call(VALUES + [lease: 600]) { } }
        assertTrue(refused.message.contains('lease'), refused.message)
    }

    @Test
    void whatIsDeployedIsRead() {
        Map<String, Object> asked = [product: 'api', environment: 'production', credentialsId: CREDENTIAL]
        Throwable nothing = failure { pipeline('versionerDeployedVersion').call(asked) }
        assertTrue(nothing.message.startsWith('Versioner (not_deployed): '), nothing.message)
        assertEquals('0', pipeline('versionerDeployedVersion').call(asked + [default: '0']))
        pipeline('versionerDeployment').call(VALUES) { }
        assertEquals('1.2.3', pipeline('versionerDeployedVersion').call(asked + [default: '0']))
        Throwable gone = failure {
            pipeline('versionerDeployedVersion')
                .call(asked + [default: '0', api_url: 'http://127.0.0.1:1', max_retries: 0, fail_on_api_error: false])
        }
        assertTrue(gone.message.startsWith('Versioner (network): '), gone.message)
    }

    @Test
    void aStartWithoutAnAnswerOfVersionerIsTakenBack() {
        [500: 'server', 200: 'http', 202: 'http'].each { int status, String kind ->
            AnsweringServer flaky = new AnsweringServer(status)
            Pipeline pipeline = pipeline('versionerDeployment')
            Map<String, Object> values = VALUES + [api_url: flaky.url(), max_retries: 0]
            Throwable thrown = failure { pipeline.call(values) { throw new AssertionError('it deploys') } }
            assertTrue(thrown.message.startsWith("Versioner (${kind}): "), thrown.message)
            assertEquals(['started', 'aborted'], statuses(flaky))
            flaky.close()
        }
    }

    @Test
    void aStartThatIsRefusedHasNoEnd() {
        AnsweringServer refusing = new AnsweringServer(428)
        Pipeline pipeline = pipeline('versionerDeployment')
        failure { pipeline.call(VALUES + [api_url: refusing.url()]) { throw new AssertionError('it deploys') } }
        assertEquals(1, refusing.requests())
        refusing.close()
        failure { pipeline.call(VALUES + [colour: 'red']) { throw new AssertionError('it deploys') } }
        assertEquals(0, new JsonSlurper().parseText(server.get('/deployments/')).items.size())
    }

    @Test
    void aRetryDoesNotMakeTheDescriptionGrow() {
        AnsweringServer refusing = new AnsweringServer(428, 428, 423)
        Pipeline pipeline = pipeline('versionerTrackDeployment')
        pipeline.currentBuild.description = 'nightly'
        Map<String, Object> values = VALUES + [status: 'started', api_url: refusing.url()]
        failure { pipeline.call(values) }
        String once = pipeline.currentBuild.description
        failure { pipeline.call(values) }
        assertEquals(once, pipeline.currentBuild.description)
        pipeline.currentBuild.description += '\nby hand'
        failure { pipeline.call(values) }
        String changed = pipeline.currentBuild.description
        assertTrue(changed.startsWith('nightly\n'), changed)
        assertTrue(changed.endsWith('\nby hand'), changed)
        assertFalse(changed.contains(once), changed)
        assertTrue(changed.contains('HTTP 423'), changed)
        refusing.close()
    }

    @Test
    void aServiceThatIsGoneDoesNotHideWhyTheBodyFailed() {
        AnsweringServer service = new AnsweringServer()
        Pipeline pipeline = pipeline('versionerDeployment')
        Throwable thrown = failure {
            pipeline.call(VALUES + [api_url: service.url(), max_retries: 0]) {
                service.close()
                throw new IOException('no space')
            }
        }
        assertEquals('no space', thrown.message)
        assertTrue(pipeline.log.last().startsWith('Versioner does not know that the deployment failed: '))
    }

    @Test
    void aDescriptionIsKept() {
        server.requireApproval()
        Pipeline pipeline = pipeline('versionerTrackDeployment')
        pipeline.currentBuild.description = 'nightly'
        failure { pipeline.call(VALUES + [status: 'started']) }
        assertTrue(pipeline.currentBuild.description.startsWith('nightly\n❌ Deployment Precondition Failed'))
    }

    @Test
    void bestEffortWarnsAndGoesOn() {
        Pipeline pipeline = pipeline('versionerTrackDeployment')
        Map<String, Object> values =
            VALUES + [fail_on_api_error: false, api_url: 'http://127.0.0.1:1', max_retries: 0]
        assertEquals(false, pipeline.call(values).recorded)
        assertTrue(pipeline.log.first().startsWith('Versioner warns: '), pipeline.log.toString())
    }

    @Test
    void theKeyIsACredentialAndShowsNowhere() {
        Pipeline pipeline = pipeline('versionerTrackDeployment')
        Throwable refused = failure { pipeline.call(VALUES + [api_key: server.key()]) }
        assertTrue(refused.message.contains('credentialsId'), refused.message)
        Map<String, Object> outcome = pipeline.call(VALUES + [product: server.key()])
        assertTrue(outcome.recorded)
        assertFalse("${pipeline.log} ${outcome} ${refused.message}".contains(server.key()))
    }

    @Test
    void anUnknownNameIsNamed() {
        Throwable refused = failure { pipeline('versionerTrackBuild').call(colour: 'red') }
        assertTrue(refused.message.contains('"colour"'), refused.message)
    }

    @Test
    void anAbortedPipelineEndsTheCall() {
        SilentServer silent = new SilentServer()
        Pipeline pipeline = pipeline('versionerTrackDeployment')
        // As a property it would become a variable of the script.
        pipeline.setOnSleep {
            silent.awaitRequest()
            throw new InterruptedException()
        }
        assertTrue(failure { pipeline.call(VALUES + [api_url: silent.url()]) } instanceof InterruptedException)
        Thread call = Thread.allStackTraces.keySet().find { it.name == 'versioner-call' }
        call?.join()
        silent.close()
    }

}
