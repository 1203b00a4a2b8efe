package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Loads the binding in class loaders of its own, as a CI server does for each run. */
@Timeout(60)
class NativeLibraryTest {
    private static final String NOWHERE = "http://127.0.0.1:1";

    /** The names of the folders that copies lie in. */
    private static final String FOLDERS = "versioner-\\d+";

    @TempDir Path folder;

    /** A loader that shares nothing of the binding with this one. */
    private static URLClassLoader loader() {
        URL classes = Client.class.getProtectionDomain().getCodeSource().getLocation();
        return new URLClassLoader(new URL[] {classes}, ClassLoader.getPlatformClassLoader());
    }

    /**
     * Makes a client there, and answers what its call ends in: that of a build, or a deployment
     * that is begun and ended.
     */
    private static String callEndsIn(ClassLoader loader) throws Exception {
        return callEndsIn(loader, NOWHERE, Map.of("version", "1"));
    }

    private static String callEndsIn(ClassLoader loader, String url, Map<String, String> event)
            throws Exception {
        Class<?> client = loader.loadClass(Client.class.getName());
        assertNotSame(Client.class, client);
        Object builder = client.getMethod("builder").invoke(null);
        Class<?> type = builder.getClass();
        type.getMethod("apiKey", String.class).invoke(builder, "sk_test_k1_secretsecret");
        type.getMethod("apiUrl", String.class).invoke(builder, url);
        type.getMethod("maxRetries", int.class).invoke(builder, 0);
        type.getMethod("environment", Map.class).invoke(builder, Map.of());
        try (AutoCloseable made = (AutoCloseable) type.getMethod("build").invoke(builder)) {
            if (event.containsKey("environment")) {
                Object span = client.getMethod("begin", Map.class).invoke(made, event);
                Method end = span.getClass().getMethod("end", String.class);
                return end.invoke(span, "completed").toString();
            }
            return client.getMethod("trackBuild", Map.class).invoke(made, event).toString();
        } catch (InvocationTargetException failure) {
            return failure.getCause().getMessage();
        }
    }

    private static void withPath(Object path, ThrowingRunnable body) throws Exception {
        with(NativeLibrary.PATH_PROPERTY, path, body);
    }

    private static void with(String property, Object value, ThrowingRunnable body)
            throws Exception {
        String before = System.setProperty(property, value.toString());
        try {
            body.run();
        } finally {
            if (before == null) {
                System.clearProperty(property);
            } else {
                System.setProperty(property, before);
            }
        }
    }

    @FunctionalInterface
    private interface ThrowingRunnable {
        void run() throws Exception;
    }

    private Path extracted() throws Exception {
        String resource =
                "native/" + Platform.name() + "/" + System.mapLibraryName("versioner_jni");
        Path library = folder.resolve("library.so");
        try (InputStream input = Client.class.getResourceAsStream(resource)) {
            Files.copy(input, library);
        }
        return library;
    }

    @Test
    void everyClassLoaderHasALibraryOfItsOwn() throws Exception {
        try (URLClassLoader first = loader();
                URLClassLoader second = loader()) {
            assertTrue(callEndsIn(first).startsWith("product is required"));
            assertTrue(callEndsIn(second).startsWith("product is required"));
            assertTrue(callEndsIn(first).startsWith("product is required"));
        }
    }

    @Test
    void aGivenLibraryIsUsedByEveryClassLoader() throws Exception {
        withPath(
                extracted(),
                () -> {
                    try (URLClassLoader first = loader();
                            URLClassLoader second = loader()) {
                        assertTrue(callEndsIn(first).startsWith("product is required"));
                        assertTrue(callEndsIn(second).startsWith("product is required"));
                    }
                });
    }

    @Test
    void aGivenPathThatIsNoFileIsNamed() throws Exception {
        assertLoadFailsWith(folder.resolve("missing.so"), "there is no file ");
    }

    @Test
    void aGivenFileThatIsNoLibraryIsNamed() throws Exception {
        Path file = Files.writeString(folder.resolve("text.so"), "no library".repeat(100));
        assertLoadFailsWith(file, file + " is not a whole library");
    }

    @Test
    void aLibraryThatWasCutOffDoesNotEndTheProcess() throws Exception {
        byte[] library = Files.readAllBytes(extracted());
        Path file = folder.resolve("half.so");
        Files.write(file, Arrays.copyOf(library, library.length / 2));
        assertLoadFailsWith(file, file + " is not a whole library");
    }

    @Test
    void aLibraryForAnotherMachineSaysSo() throws Exception {
        byte[] library = Files.readAllBytes(extracted());
        boolean isArm = Platform.name().endsWith("aarch64");
        library[0x12] = (byte) (isArm ? 0x3e : 0xb7);
        Path file = Files.write(folder.resolve("other.so"), library);
        assertLoadFailsWith(
                file, file + (isArm ? " is for x86_64, but" : " is for aarch64, but this Java"));
    }

    /** The library with the name of a version that no glibc has. */
    @Test
    void aGlibcThatIsTooOldIsNamed() throws Exception {
        String library = new String(Files.readAllBytes(extracted()), StandardCharsets.ISO_8859_1);
        String newer = library.replaceAll("GLIBC_2\\.(?=\\d\\d\0)", "GLIBC_9.");
        assertNotEquals(library, newer);
        Path file = folder.resolve("newer.so");
        Files.write(file, newer.getBytes(StandardCharsets.ISO_8859_1));
        String told = assertLoadFailsWith(file, "the native library " + file + " cannot be loaded");
        assertTrue(told.contains("the glibc of this system is older"), told);
        assertTrue(told.contains("the one in the jar needs glibc 2.17 or newer"), told);
        assertFalse(told.contains(NativeLibrary.FOLDER_PROPERTY), told);
    }

    @Test
    void theAdviceFitsWhatTheLinkerTold() {
        Path folder = Path.of("/tmp/versioner-1");
        assertTrue(
                LoadFailure.advice(
                                "Error relocating /tmp/x.so: __res_init: symbol not found", folder)
                        .contains("musl"));
        assertTrue(
                LoadFailure.advice("x.so: failed to map segment from shared object", folder)
                        .startsWith("/tmp does not allow programs"));
    }

    @Test
    void aLibraryThatIsNotThisOneIsRefused() throws Exception {
        String name = System.mapLibraryName("jimage");
        Path other = Path.of(System.getProperty("java.home"), "lib", name);
        withPath(
                other,
                () -> {
                    try (URLClassLoader loader = loader()) {
                        String told = callEndsIn(loader);
                        assertTrue(told.contains("another version"), told);
                    }
                });
    }

    private static String assertLoadFailsWith(Path path, String message) throws Exception {
        AtomicReference<String> told = new AtomicReference<>();
        withPath(
                path,
                () -> {
                    try (URLClassLoader loader = loader()) {
                        told.set(callEndsIn(loader));
                    }
                });
        assertTrue(told.get().startsWith(message), told.get());
        assertTrue(told.get().contains(path.toString()), told.get());
        return told.get();
    }

    @Test
    void aLibraryOfAnotherLayoutIsRefused() {
        NativeLibraryException failure =
                assertThrows(
                        NativeLibraryException.class, () -> NativeLibrary.requireAbi("0;product"));
        assertTrue(failure.getMessage().contains("another version"), failure.getMessage());
    }

    @Test
    void noFileIsLeftBehind() throws Exception {
        try (URLClassLoader loader = loader()) {
            callEndsIn(loader);
        }
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            assertEquals(
                    0,
                    files.filter(file -> file.getFileName().toString().matches(FOLDERS)).count());
        }
    }

    @Test
    void theCopyLiesInAFolderOfItsOwnWhereItIsTold() throws Exception {
        with(
                NativeLibrary.FOLDER_PROPERTY,
                folder,
                () -> {
                    Loaded loaded = loaded(NOWHERE, Map.of("version", "1"));
                    assertTrue(loaded.library.matches("/" + FOLDERS + "/.*"), loaded.library);
                });
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(0, files.count());
        }
        Path missing = folder.resolve("missing");
        with(
                NativeLibrary.FOLDER_PROPERTY,
                missing,
                () -> {
                    try (URLClassLoader loader = loader()) {
                        String told = callEndsIn(loader);
                        assertTrue(told.contains("NoSuchFileException: " + missing), told);
                        assertTrue(told.endsWith("with -Dversioner.native.folder"), told);
                    }
                });
    }

    @Test
    void anUnknownPlatformIsNamedBesideTheKnownOnes() throws Exception {
        with(
                "os.arch",
                "s390x",
                () -> {
                    try (URLClassLoader loader = loader()) {
                        String told = callEndsIn(loader);
                        assertTrue(
                                told.startsWith("this jar has no native library for linux-s390x;"),
                                told);
                        assertTrue(told.contains("linux-musl-aarch64"), told);
                        assertTrue(told.endsWith(NativeLibrary.PATH_PROPERTY), told);
                    }
                });
    }

    /** Windows keeps a loaded file, and may be loading a new one in another process. */
    @Test
    void copiesThatAreOldAreRemoved() throws Exception {
        String file = System.mapLibraryName("versioner_jni");
        Path old = Files.createDirectory(folder.resolve("versioner-1"));
        Path fresh = Files.createDirectory(folder.resolve("versioner-2"));
        Path others = Files.createDirectory(folder.resolve("versioner-data"));
        Files.createFile(old.resolve(file));
        Files.createFile(fresh.resolve(file));
        FileTime longAgo = FileTime.fromMillis(0);
        Files.setLastModifiedTime(old, longAgo);
        Files.setLastModifiedTime(others, longAgo);
        NativeLibrary.removeOld(folder);
        assertFalse(Files.exists(old));
        assertTrue(Files.exists(fresh.resolve(file)));
        assertTrue(Files.exists(others));
    }

    @Test
    void theLibraryGoesWithItsClassLoader() throws Exception {
        Loaded loaded = loaded(NOWHERE, Map.of("version", "1"));
        while (loaded.loader.get() != null || libraries().contains(loaded.library)) {
            System.gc();
        }
    }

    /** What a thread keeps until it ends would keep the library: this one lives on. */
    @Test
    void theLibraryGoesThoughTheThreadThatCalledLivesOn() throws Exception {
        try (AnsweringServer server = new AnsweringServer()) {
            List<Loaded> all = new ArrayList<>();
            for (int run = 0; run < 3; run++) {
                all.add(loaded(server.url(), Map.of("product", "api", "version", "1")));
            }
            Map<String, String> deployment =
                    Map.of("product", "api", "version", "1", "environment", "production");
            all.add(loaded(server.url(), deployment));
            assertEquals(5, server.requests());
            for (Loaded loaded : all) {
                while (loaded.loader.get() != null || libraries().contains(loaded.library)) {
                    System.gc();
                }
            }
        }
    }

    /** The connecting thread of a call that was cut short would run code that is gone. */
    @Test
    void theLibraryStaysAfterACallThatHadNoAnswer() throws Exception {
        Loaded loaded = loaded(NOWHERE, Map.of("product", "api", "version", "1"));
        while (loaded.loader.get() != null) {
            System.gc();
        }
        assertTrue(libraries().contains(loaded.library));
    }

    private static final class Loaded {
        final WeakReference<ClassLoader> loader;
        final String library;

        Loaded(ClassLoader loader, String library) {
            this.loader = new WeakReference<>(loader);
            this.library = library;
        }
    }

    /** A class loader that nobody holds any more, and the library that its call loaded. */
    private static Loaded loaded(String url, Map<String, String> event) throws Exception {
        Set<String> before = libraries();
        try (URLClassLoader loader = loader()) {
            callEndsIn(loader, url, event);
            Set<String> added = libraries();
            added.removeAll(before);
            assertEquals(1, added.size(), added::toString);
            return new Loaded(loader, added.iterator().next());
        }
    }

    /** The copies in the memory of this process. */
    private static Set<String> libraries() throws Exception {
        Pattern copy =
                Pattern.compile("/" + FOLDERS + "/" + System.mapLibraryName("versioner_jni"));
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.map(copy::matcher)
                    .filter(Matcher::find)
                    .map(Matcher::group)
                    .collect(Collectors.toCollection(HashSet::new));
        }
    }
}
