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

    // Where the header tells of the section table, which ends the file.
    private static final int SECTIONS_START = 0x28;
    private static final int SECTION_BYTES = 0x3a;
    private static final int SECTION_COUNT = 0x3c;

    private ElfFile() {}

    /**
     * Whether all of a library is there. The dynamic linker does not check, and a library that was
     * cut off, such as by a full disk, ends the whole virtual machine.
     */
    static boolean isWhole(Path path) throws IOException {
        try (SeekableByteChannel file = Files.newByteChannel(path)) {
            ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            while (header.hasRemaining() && file.read(header) >= 0) {
                // Until the header is complete or the file ends.
            }
            if (header.hasRemaining() || header.getInt(0) != MAGIC) {
                return false;
            }
            long sections =
                    (long) Short.toUnsignedInt(header.getShort(SECTION_BYTES))
                            * Short.toUnsignedInt(header.getShort(SECTION_COUNT));
            return header.getLong(SECTIONS_START) + sections <= file.size();
        }
    }
}
