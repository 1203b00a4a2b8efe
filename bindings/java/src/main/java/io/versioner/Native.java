package io.versioner;

import java.util.function.ObjIntConsumer;

/** The entries of the native library, which {@link NativeLibrary} loads. */
final class Native {
    private Native() {}

    static native String abi();

    static native byte[] open(byte[] options, byte[] environment, ObjIntConsumer<String> logger);

    static native byte[] trackBuild(long client, byte[] values);

    static native byte[] trackDeployment(long client, byte[] values);

    static native byte[] checkDeployment(long client, byte[] values);

    static native byte[] read(long client, byte[] values);

    static native byte[] state(long client, byte[] values);

    static native byte[] deployedVersion(long client, byte[] values);

    static native void cancel(long client);

    static native void close(long client);

    /** A listener as the native library calls it; nothing that it throws may get there. */
    static ObjIntConsumer<String> guarded(LogListener listener) {
        return (message, number) -> {
            try {
                listener.log(LogListener.Level.values()[number - 1], message);
            } catch (Throwable ignored) {
                // The call that tells this must go on.
            }
        };
    }

    /** A call of an entry. */
    @FunctionalInterface
    interface Call {
        byte[] answer();
    }
}
