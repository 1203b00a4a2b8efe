package io.versioner;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** What can be told of a Linux library before it is loaded. */
final class ElfFile {
    private static final int MAGIC = 0x464c457f;
    private static final int HEADER_BYTES = 64;

    private static final int CLASS = 4;
    private static final byte CLASS_OF_64_BITS = 2;
    private static final int MACHINE = 0x12;

    // Where the header tells of the section table, which ends the file.
    private static final int SECTIONS_START = 0x28;
    private static final int SECTION_BYTES = 0x3a;
    private static final int SECTION_COUNT = 0x3c;

    private ElfFile() {}

    /**
     * Why a file cannot be loaded here, or null if nothing speaks against it.
     *
     * <p>The dynamic linker does not check that all of a library is there: one that was cut off,
     * such as by a full disk, ends the whole virtual machine.
     *
     * @param machine what the virtual machine runs on, such as {@code x86_64}
     */
    static String problem(Path path, String machine) throws IOException {
        try (SeekableByteChannel file = Files.newByteChannel(path)) {
            ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            while (header.hasRemaining() && file.read(header) >= 0) {
                // Until the header is complete or the file ends.
            }
            if (header.hasRemaining() || header.getInt(0) != MAGIC) {
                return "is not a whole library";
            }
            String own = machine(header);
            if (!own.equals(machine)) {
                return "is for " + own + ", but this Java runs on " + machine;
            }
            long sections =
                    (long) Short.toUnsignedInt(header.getShort(SECTION_BYTES))
                            * Short.toUnsignedInt(header.getShort(SECTION_COUNT));
            boolean isWhole = header.getLong(SECTIONS_START) + sections <= file.size();
            return isWhole ? null : "is not a whole library";
        }
    }

    /** By the names that {@link NativeLibrary#machine()} has. */
    private static String machine(ByteBuffer header) {
        int machine = Short.toUnsignedInt(header.getShort(MACHINE));
        switch (machine) {
            case 0x03:
                return "x86";
            case 0x28:
                return "arm";
            case 0x3e:
                return header.get(CLASS) == CLASS_OF_64_BITS ? "x86_64" : "x32";
            case 0xb7:
                return "aarch64";
            default:
                return "machine number " + machine;
        }
    }
}
