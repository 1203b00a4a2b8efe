package io.versioner;

import java.util.function.ObjIntConsumer;

/** The entries of the native library, which {@link NativeLibrary} loads. */
final class Native {
    private Native() {}

    static native String abi();

    static native byte[] open(
            byte[] options, byte[] environment, ObjIntConsumer<String> logger, int level);

    static native byte[] trackBuild(long client, byte[] values);

    static native byte[] trackDeployment(long client, byte[] values);

    static native byte[] checkDeployment(long client, byte[] values);

    static native byte[] explainBuild(long client, byte[] values);

    static native byte[] explainDeployment(long client, byte[] values);

    static native byte[] read(long client, byte[] values);

    static native byte[] state(long client, byte[] values);

    static native byte[] deployedVersion(long client, byte[] values);

    static native byte[] begin(long client, byte[] values);

    static native byte[] prepare(long client, byte[] values);

    static native byte[] beginBuild(long client, byte[] values);

    static native byte[] prepareBuild(long client, byte[] values);

    static native byte[] resume(long client, byte[] saved);

    static native byte[] restore(long client, byte[] saved);

    static native byte[] ask(long span);

    static native byte[] end(long span, byte[] values);

    static native byte[] decide(long span, byte[] values);

    static native byte[] tellEnd(long span);

    static native byte[] save(long span);

    static native byte[] renew(long span);

    static native long renewalInterval(long span);

    static native void letGo(long span);

    static native void forget(long span);

    static native void cancel(long client);

    static native void close(long client);

    /** A call of an entry. */
    @FunctionalInterface
    interface Call {
        byte[] answer();
    }
}
