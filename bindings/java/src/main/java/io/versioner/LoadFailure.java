package io.versioner;

import java.nio.file.Path;

/** What to do if the dynamic linker refuses the library, by what it says. */
final class LoadFailure {
    private LoadFailure() {}

    /**
     * {@return a sentence for people}
     *
     * @param told the message of the {@link UnsatisfiedLinkError}
     * @param folder where the library lay
     */
    static String advice(String told, Path folder) {
        if (told.contains("GLIBC_")) {
            return "the glibc of this system is older than this library needs; the one in the jar"
                    + " needs glibc 2.17 or newer";
        }
        if (told.contains("Error relocating") || told.contains("Error loading shared library")) {
            return "this system has musl in place of glibc, as Alpine has: the one in the jar's"
                    + " folder linux-musl-"
                    + Platform.machine()
                    + " is for it";
        }
        if (told.contains("failed to map segment") || told.contains("not permitted")) {
            return folder.getParent()
                    + " does not allow programs (noexec): name another folder with -D"
                    + NativeLibrary.FOLDER_PROPERTY;
        }
        return "this is " + Platform.name() + ", and the jar has libraries for " + Platform.SHIPPED;
    }
}
