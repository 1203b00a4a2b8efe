import io.versioner.jenkins.Tracking

/**
 * Deploys in a body, if Versioner allows it. Help: versionerDeployment.txt.
 */
Object call(Map<String, Object> values = [:], Closure<?> body) {
    return new Tracking(this).deployment(values, body)
}
