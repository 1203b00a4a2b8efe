import io.versioner.jenkins.Tracking

/**
 * Asks Versioner which version is deployed. Help: versionerDeployedVersion.txt.
 */
String call(Map<String, Object> values = [:]) {
    return new Tracking(this).deployedVersion(values)
}
