package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;

import groovy.lang.Binding;
import groovy.lang.GroovyShell;
import groovy.lang.GroovySystem;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plays the story in Groovy; the build runs this with Jenkins' version of it and a current one. */
class GroovyTest {
    @Test
    void aVersionIsBuiltRefusedApprovedAndDeployed(@TempDir Path folder) throws Exception {
        assertEquals(System.getProperty("groovy.expected"), GroovySystem.getVersion());
        try (VersionerServer server = new VersionerServer(folder)) {
            Binding binding = new Binding();
            binding.setVariable("server", server);
            new GroovyShell(binding).evaluate(Path.of("src/test/groovy/story.groovy").toFile());
        }
    }
}
