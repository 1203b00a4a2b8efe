package io.versioner;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Records every event, and keeps what it was sent. */
final class AnsweringServer implements AutoCloseable {
    private final HttpServer server;
    private final Queue<String> bodies = new ConcurrentLinkedQueue<>();

    AnsweringServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/",
                exchange -> {
                    byte[] body = exchange.getRequestBody().readAllBytes();
                    bodies.add(new String(body, StandardCharsets.UTF_8));
                    byte[] answer = "{\"id\": \"e1\"}".getBytes(StandardCharsets.UTF_8);
                    exchange.getResponseHeaders().add("Content-Type", "application/json");
                    exchange.sendResponseHeaders(201, answer.length);
                    exchange.getResponseBody().write(answer);
                    exchange.close();
                });
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    int requests() {
        return bodies.size();
    }

    /** {@return the body of the last request} */
    String lastBody() {
        String last = null;
        for (String body : bodies) {
            last = body;
        }
        return last;
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
