package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java and Groovy of the READMEs, as somebody pastes it into the least of a program. */
class ReadmeTest {
    private static final Path ROOT = Path.of("../..");

    @TempDir Path folder;

    private static List<String> blocks(String file, String language) throws IOException {
        String text = Files.readString(ROOT.resolve(file));
        Pattern block = Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$");
        return block.matcher(text)
                .results()
                .map(found -> found.group(1))
                .collect(Collectors.toList());
    }

    /** {@return what a program said} It is told the service as people are told it, by variables. */
    private String run(VersionerServer server, List<String> arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.directory(folder.toFile());
        builder.environment().put("VERSIONER_API_URL", server.url());
        builder.environment().put("VERSIONER_API_KEY", server.key());
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
        return said;
    }

    private String paste(VersionerServer server, String block) throws Exception {
        String program =
                String.join(
                        "\n",
                        "import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;",
                        "import io.versioner.*;",
                        "import java.math.BigDecimal;",
                        "import java.nio.file.*;",
                        "import java.time.Instant;",
                        "import java.util.*;",
                        "public class Pasted {",
                        "    static final Path newSite = Path.of(\"new\"), site = Path.of(\"site\");",
                        "    static void deploy() { System.out.println(\"deploying\"); }",
                        "    public static void main(String[] arguments) throws Exception {",
                        block,
                        "    }",
                        "}");
        Path file = folder.resolve("Pasted.java");
        Files.writeString(file, program);
        return run(server, List.of(file.toString()));
    }

    @Test
    void whatIsPastedDeploysIfItMay() throws Exception {
        List<String> java = blocks("bindings/java/README.md", "java");
        Path site = folder.resolve("site");
        Files.writeString(folder.resolve("new"), "one");
        try (VersionerServer server = new VersionerServer(folder)) {
            paste(server, java.get(0));
            assertEquals("one", Files.readString(site));
            assertTrue(paste(server, blocks("README.md", "java").get(0)).contains("deploying"));
            assertFalse(server.get("/deployments/").contains("\"status\":\"started\""));
            paste(server, java.get(1));

            server.requireApproval();
            Files.writeString(folder.resolve("new"), "two");
            // What was there within 90 days goes back past an approval.
            String said = paste(server, java.get(0).replace("1.2.3", "1.2.4"));
            assertTrue(said.contains("Production needs an approval"), said);
            assertEquals("one", Files.readString(site));
        }
    }

    @Test
    void theGroovyThatIsPastedDeploys() throws Exception {
        Path file = folder.resolve("pasted.groovy");
        String block = blocks("bindings/java/README.md", "groovy").get(0);
        Files.writeString(file, "import io.versioner.Client\n" + block);
        try (VersionerServer server = new VersionerServer(folder)) {
            String said = run(server, List.of("groovy.ui.GroovyMain", file.toString()));
            assertTrue(said.contains("deploying, "), said);
            assertTrue(server.get("/deployments/").contains("\"status\":\"completed\""), said);
        }
    }
}
