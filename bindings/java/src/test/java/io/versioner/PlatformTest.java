package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The names of systems and machines, as Java and as the folders in the jar have them. */
class PlatformTest {
    @TempDir Path folder;

    private final String system = System.getProperty("os.name");
    private final String machine = System.getProperty("os.arch");

    @AfterEach
    void restore() {
        System.setProperty("os.name", system);
        System.setProperty("os.arch", machine);
    }

    @ParameterizedTest
    @CsvSource({
        "Linux, amd64, linux-x86_64",
        "Linux, aarch64, linux-aarch64",
        "Linux, s390x, linux-s390x",
        "Mac OS X, x86_64, macos-x86_64",
        "Mac OS X, aarch64, macos-aarch64",
        "Windows 11, amd64, windows-x86_64",
        "Windows Server 2022, amd64, windows-x86_64",
        "FreeBSD, amd64, freebsd-x86_64",
    })
    void everyPlatformHasAName(String system, String machine, String name) throws Exception {
        System.setProperty("os.name", system);
        System.setProperty("os.arch", machine);
        Path maps = folder.resolve("maps");
        Files.write(maps, "7f00-7f01 r-xp 0 fe:00 1 /usr/lib/libc.so.6 \u00e9".getBytes("latin1"));
        assertEquals(name, Platform.name(maps));
    }

    @Test
    void muslIsKnownByWhatIsLoaded() throws Exception {
        System.setProperty("os.name", "Linux");
        System.setProperty("os.arch", "amd64");
        Path maps = folder.resolve("maps");
        Files.writeString(maps, "7f00-7f01 r--p 0 fe:00 1 /lib/ld-musl-x86_64.so.1\n");
        assertEquals("linux-musl-x86_64", Platform.name(maps));
        assertEquals("linux-x86_64", Platform.name(folder.resolve("missing")));
    }
}
