package io.versioner;

import java.nio.file.Path;

/** What to do if the dynamic linker refuses the library, by what it says. */
final class LoadFailure {
    /** What the library in the jar is built for; the build of the jar checks it. */
    private static final String NEEDS =
            "the library in the jar needs Linux on x86-64 with glibc 2.17 or newer";

    private LoadFailure() {}

    /**
     * {@return a sentence for people}
     *
     * @param told the message of the {@link UnsatisfiedLinkError}
     * @param folder where the library lay
     */
    static String advice(String told, Path folder) {
        if (told.contains("GLIBC_")) {
            return "the glibc of this system is older than this library needs; " + NEEDS;
        }
        if (told.contains("Error relocating") || told.contains("Error loading shared library")) {
            return "this system has musl in place of glibc, as Alpine has: use an image with glibc; "
                    + NEEDS;
        }
        if (told.contains("failed to map segment") || told.contains("not permitted")) {
            return folder
                    + " does not allow programs (noexec): name another folder with"
                    + " -Djava.io.tmpdir";
        }
        return NEEDS;
    }
}
