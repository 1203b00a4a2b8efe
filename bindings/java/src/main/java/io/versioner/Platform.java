package io.versioner;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

/** What this virtual machine runs on, by the names of the folders in the jar. */
final class Platform {
    /** What the jar that is shipped has libraries for. */
    static final String SHIPPED =
            "linux-x86_64, linux-aarch64, linux-musl-x86_64, linux-musl-aarch64, macos-x86_64,"
                    + " macos-aarch64 and windows-x86_64";

    /** What a Linux process has loaded. */
    private static final Path MAPS = Path.of("/proc/self/maps");

    private Platform() {}

    /** Such as {@code linux-x86_64}, or {@code linux-musl-x86_64} if the C library is musl. */
    static String name() {
        return name(MAPS);
    }

    static String name(Path maps) {
        String name = system();
        return name + (name.equals("linux") && hasMusl(maps) ? "-musl-" : "-") + machine();
    }

    static boolean isLinux() {
        return system().equals("linux");
    }

    static boolean isWindows() {
        return system().equals("windows");
    }

    private static String system() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        return system.startsWith("mac") ? "macos" : system.startsWith("win") ? "windows" : system;
    }

    /** Such as {@code x86_64}. */
    static String machine() {
        String machine = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        switch (machine) {
            case "amd64":
                return "x86_64";
            case "arm64":
                return "aarch64";
            default:
                return machine;
        }
    }

    /** A machine may have both C libraries: the one that this process has loaded counts. */
    private static boolean hasMusl(Path maps) {
        // A path in it may have any bytes.
        try (Stream<String> lines = Files.lines(maps, StandardCharsets.ISO_8859_1)) {
            return lines.anyMatch(line -> line.contains("/ld-musl-"));
        } catch (IOException unknown) {
            return false;
        }
    }
}
