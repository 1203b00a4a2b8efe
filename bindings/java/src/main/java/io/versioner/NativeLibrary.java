package io.versioner;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;

/**
 * Loads the native library, once for each class loader that loads this class.
 *
 * <p>A file can be loaded by one class loader only, and a CI server makes a class loader for each
 * run. So each loads a copy of its own, which is removed as soon as it is loaded: nothing is left
 * behind, however the process ends, and processes that load at the same time share no file.
 */
final class NativeLibrary {
    /** Names a library to load instead of the one in the jar. */
    static final String PATH_PROPERTY = "versioner.native.path";

    /** Names the folder for the copies of the library in the jar. */
    static final String FOLDER_PROPERTY = "versioner.native.folder";

    /** How the folder of one copy begins. */
    private static final String PREFIX = "versioner-";

    /** Longer than any process takes to load a copy that it has made. */
    private static final Duration OLD = Duration.ofDays(1);

    /** What Java says of a file that another class loader has loaded; it may do as a copy. */
    private static final String IN_USE = "already loaded";

    private static boolean isLoaded;

    private NativeLibrary() {}

    static synchronized void load() {
        if (isLoaded) {
            return;
        }
        String path = System.getProperty(PATH_PROPERTY, "");
        if (path.isEmpty()) {
            loadFromJar();
        } else {
            loadFromPath(Path.of(path).toAbsolutePath());
        }
        requireAbi(abi());
        isLoaded = true;
    }

    private static String abi() {
        try {
            return Native.abi();
        } catch (UnsatisfiedLinkError other) {
            return "none";
        }
    }

    static void requireAbi(String abi) {
        if (!Layout.ABI.equals(abi)) {
            throw new NativeLibraryException(
                    "the native library belongs to another version of the binding: it has "
                            + abi
                            + ", but "
                            + Layout.ABI
                            + " is needed; unset the property "
                            + PATH_PROPERTY
                            + " or give the library of this version",
                    null);
        }
    }

    private static void loadFromPath(Path path) {
        if (!Files.isRegularFile(path)) {
            throw new NativeLibraryException(
                    "there is no file " + path + ", which the property " + PATH_PROPERTY + " names",
                    null);
        }
        try {
            String problem = Platform.isLinux() ? ElfFile.problem(path, Platform.machine()) : null;
            if (problem != null) {
                throw new NativeLibraryException(path + " " + problem, null);
            }
            loadFile(path);
        } catch (IOException failure) {
            throw unreadable(path.toString(), failure);
        }
    }

    private static void loadFile(Path path) throws IOException {
        try {
            System.load(path.toString());
        } catch (UnsatisfiedLinkError failure) {
            if (!failure.getMessage().contains(IN_USE)) {
                throw refused(path, path.getParent(), failure);
            }
            try (InputStream library = Files.newInputStream(path)) {
                loadCopy(library, path);
            }
        }
    }

    private static void loadFromJar() {
        String resource =
                "native/" + Platform.name() + "/" + System.mapLibraryName("versioner_jni");
        try (InputStream library = NativeLibrary.class.getResourceAsStream(resource)) {
            if (library == null) {
                throw new NativeLibraryException(
                        "this jar has no native library for "
                                + Platform.name()
                                + "; the one that is shipped has some for "
                                + Platform.SHIPPED
                                + "; build another from bindings/java/native and name the file"
                                + " with the property "
                                + PATH_PROPERTY,
                        null);
            }
            loadCopy(library, resource);
        } catch (IOException failure) {
            throw unreadable(resource, failure);
        }
    }

    /** From a folder that nobody else may look into. */
    private static void loadCopy(InputStream library, Object origin) throws IOException {
        Path parent = Path.of(System.getProperty(FOLDER_PROPERTY, temporary())).toAbsolutePath();
        if (Platform.isWindows()) {
            removeOld(parent);
        }
        byte[] bytes = library.readAllBytes();
        Path folder = Files.createTempDirectory(parent, PREFIX);
        Path copy = folder.resolve(System.mapLibraryName("versioner_jni"));
        try {
            Files.write(copy, bytes, StandardOpenOption.CREATE_NEW);
            if (!Arrays.equals(bytes, Files.readAllBytes(copy))) {
                throw new IOException(copy + " does not hold what was written to it");
            }
            System.load(copy.toString());
        } catch (UnsatisfiedLinkError failure) {
            throw refused(origin, folder, failure);
        } finally {
            remove(folder);
        }
    }

    private static String temporary() {
        return System.getProperty("java.io.tmpdir");
    }

    /** Removes copies of processes that have ended, because Windows keeps a file that is loaded. */
    static void removeOld(Path parent) throws IOException {
        FileTime limit = FileTime.from(Instant.now().minus(OLD));
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(parent, PREFIX + "*")) {
            for (Path folder : folders) {
                boolean isOurs =
                        Files.exists(folder.resolve(System.mapLibraryName("versioner_jni")));
                if (isOurs && Files.getLastModifiedTime(folder).compareTo(limit) < 0) {
                    remove(folder);
                }
            }
        }
    }

    private static NativeLibraryException refused(
            Object origin, Path folder, UnsatisfiedLinkError failure) {
        return new NativeLibraryException(
                "the native library "
                        + origin
                        + " cannot be loaded: "
                        + failure.getMessage()
                        + "; "
                        + LoadFailure.advice(failure.getMessage(), folder),
                failure);
    }

    private static void remove(Path folder) {
        try {
            Files.deleteIfExists(folder.resolve(System.mapLibraryName("versioner_jni")));
            Files.deleteIfExists(folder);
        } catch (IOException inUse) {
            // On Windows, until a later process removes it.
        }
    }

    private static NativeLibraryException unreadable(String origin, IOException failure) {
        return new NativeLibraryException(
                "the native library "
                        + origin
                        + " cannot be copied: "
                        + failure
                        + "; name a folder that can be written to with -D"
                        + FOLDER_PROPERTY,
                failure);
    }
}
