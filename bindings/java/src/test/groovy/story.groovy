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
    assert client.trackDeployment(deployment + [status: 'started']).status() == 'started'
    assert client.trackDeployment(product: 'api', environment: 'production', version: version).recorded()
} finally {
    client.close()
}
