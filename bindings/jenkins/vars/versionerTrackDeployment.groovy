import io.versioner.jenkins.Tracking

/**
 * Tells Versioner that something is deployed. Help: versionerTrackDeployment.txt.
 */
Map<String, Object> call(Map<String, Object> values = [:]) {
    return new Tracking(this).track('deployment', values)
}
