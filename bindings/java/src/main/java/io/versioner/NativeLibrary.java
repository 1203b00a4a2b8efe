package io.versioner;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/**
 * Loads the native library, once for each class loader that loads this class.
 *
 * <p>A file can be loaded by one class loader only, and a CI server makes a class loader for each
 * run. So each loads a copy of its own, whose name is removed as soon as it is loaded: nothing is
 * left behind, however the process ends.
 */
final class NativeLibrary {
    /** Names a library to load instead of the one in the jar. */
    static final String PATH_PROPERTY = "versioner.native.path";

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
            String problem = isLinux() ? ElfFile.problem(path, machine()) : null;
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
        String file = System.mapLibraryName("versioner_jni");
        String resource = "native/" + platform() + "/" + file;
        try (InputStream library = NativeLibrary.class.getResourceAsStream(resource)) {
            if (library == null) {
                throw new NativeLibraryException(
                        "this jar has no native library for "
                                + platform()
                                + "; build it from bindings/java/native and name the file with"
                                + " the property "
                                + PATH_PROPERTY,
                        null);
            }
            loadCopy(library, resource);
        } catch (IOException failure) {
            throw unreadable(resource, failure);
        }
    }

    private static void loadCopy(InputStream library, Object origin) throws IOException {
        Path copy = Files.createTempFile("versioner-", "-" + System.mapLibraryName("jni"));
        try {
            Files.copy(library, copy, StandardCopyOption.REPLACE_EXISTING);
            System.load(copy.toString());
        } catch (UnsatisfiedLinkError failure) {
            throw refused(origin, copy.getParent(), failure);
        } finally {
            remove(copy);
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

    private static void remove(Path copy) {
        try {
            Files.deleteIfExists(copy);
        } catch (IOException inUse) {
            // Windows keeps a loaded file.
            copy.toFile().deleteOnExit();
        }
    }

    private static NativeLibraryException unreadable(String origin, IOException failure) {
        return new NativeLibraryException(
                "the native library " + origin + " cannot be copied: " + failure, failure);
    }

    private static boolean isLinux() {
        return platform().startsWith("linux-");
    }

    /** Such as {@code linux-x86_64}. */
    static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String name =
                system.startsWith("mac") ? "macos" : system.startsWith("win") ? "windows" : system;
        return name + "-" + machine();
    }

    /** Such as {@code x86_64}. */
    private static String machine() {
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
}
