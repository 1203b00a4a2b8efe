// Run by GroovyTest, with each version of Groovy; `server` is a versioner-server.
import io.versioner.BuildEvent
import io.versioner.Client
import io.versioner.Kind
import io.versioner.RejectedException

server.requireApproval()
def client = Client.builder().apiKey(server.key()).apiUrl(server.url()).environment([:]).build()
try {
    def version = '1.2.3'
    def built = client.trackBuild(BuildEvent.builder().product('api').version("${version}").build())
    assert built.recorded()
    def metadata = [team: "team ${1}", "key${2}": [1, 87.50, null, [nested: true]]]
    assert client.trackBuild(product: 'api', version: 1.10, completed_at: new Date(),
        extra_metadata: metadata).recorded()
    assert server.get('/versions/?product=api').contains('"version":"1.10"')
    assert server.get('/builds/').contains('87.50')

    def deployment = [product: 'api', environment: 'production', version: "${version}"]
    try {
        client.trackDeployment(deployment + [status: 'started'])
        assert false: 'policy let it pass'
    } catch (RejectedException refused) {
        assert refused.kind() == Kind.APPROVAL_REQUIRED
        assert refused.outcome().rule() == 'Production needs an approval'
    }

    server.approve(built.versionId())
    def deployed = []
    assert client.deployment(product: 'api', environment: 'production', version: version) { span ->
        deployed << span.started().status()
    }.recorded()
    assert deployed == ['started']
    assert client.deployedVersion('api', 'production').version() == version
    try {
        client.deployment(deployment + [part: 'eu']) { throw new IOException('no space') }
        assert false: 'the failure is gone'
    } catch (IOException failure) {
        assert failure.message == 'no space'
    }
    assert client.begin(deployment).end(status: 'aborted', extra_metadata: [step: 3]).status() == 'aborted'
} finally {
    client.close()
}
