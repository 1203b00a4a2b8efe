package io.versioner;

/**
 * The native library cannot be used here: there is none for this platform, it cannot be loaded, or
 * it belongs to another version of the binding. The message says which, and what to do.
 */
public final class NativeLibraryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NativeLibraryException(String message, Throwable cause) {
        super(message, cause);
    }
}
