package io.versioner;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A server that a test starts; its path comes from the environment. */
public final class TestProcess implements AutoCloseable {
    private final Process process;
    private final BufferedReader output;

    private TestProcess(Process process) {
        this.process = process;
        this.output =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Starts the program that a variable names. */
    public static TestProcess start(String variable, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(path(variable).toString()));
        command.addAll(Arrays.asList(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        return new TestProcess(builder.redirectErrorStream(true).start());
    }

    /** Starts a Java program of the tests. */
    static TestProcess java(Class<?> program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        command.addAll(Arrays.asList(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        return new TestProcess(builder.redirectErrorStream(true).start());
    }

    /** Ends it as a power cut would. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** Asks it to end, as a CI system does. */
    void terminate() {
        process.destroy();
    }

    /** {@return its exit code, once it has ended} */
    int exitCode() throws InterruptedException {
        return process.waitFor();
    }

    /** The file that a variable names; without it a test cannot say anything. */
    public static Path path(String variable) {
        String path = System.getenv(variable);
        if (path == null || !Files.exists(Path.of(path))) {
            throw new AssertionError(
                    variable
                            + " must name what the tests talk to, but is "
                            + path
                            + ": run `make test`, which builds it");
        }
        return Path.of(path);
    }

    /** What a pattern's group finds in the first line that has it. */
    public String await(String pattern) {
        Pattern compiled = Pattern.compile(pattern);
        StringBuilder seen = new StringBuilder();
        try {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                Matcher matcher = compiled.matcher(line);
                if (matcher.find()) {
                    return matcher.group(1);
                }
                seen.append(line).append('\n');
            }
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        throw new AssertionError("the server ended without " + pattern + ":\n" + seen);
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        process.destroy();
    }
}
