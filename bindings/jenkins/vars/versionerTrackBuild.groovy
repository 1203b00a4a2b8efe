import io.versioner.jenkins.Tracking

/**
 * Tells Versioner that something was built. Help: versionerTrackBuild.txt.
 */
Map<String, Object> call(Map<String, Object> values = [:]) {
    return new Tracking(this).track('build', values)
}
