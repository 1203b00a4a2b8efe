package io.versioner;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Takes one request and never answers it. */
public final class SilentServer implements AutoCloseable {
    private final ServerSocket listener;
    private Socket connection;

    public SilentServer() throws IOException {
        listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    }

    public String url() {
        return "http://127.0.0.1:" + listener.getLocalPort();
    }

    /** Returns once a request has begun to come in. */
    public void awaitRequest() throws IOException {
        connection = listener.accept();
        connection.getInputStream().read();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        if (connection != null) {
            connection.close();
        }
    }
}
