package io.versioner;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Records every event but those that it was told to refuse first, and keeps what it was sent. */
public final class AnsweringServer implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Queue<String> bodies = new ConcurrentLinkedQueue<>();
    private final Queue<String> keys = new ConcurrentLinkedQueue<>();
    private volatile String features = "";
    private volatile CountDownLatch gate = new CountDownLatch(0);

    /** Answers the first requests with the statuses and nothing else, and all others with 201. */
    public AnsweringServer(Integer... statuses) throws IOException {
        Queue<Integer> first = new ConcurrentLinkedQueue<>(List.of(statuses));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/",
                exchange -> {
                    byte[] body = exchange.getRequestBody().readAllBytes();
                    bodies.add(new String(body, StandardCharsets.UTF_8));
                    String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
                    keys.add(key == null ? "" : key);
                    await(gate);
                    Integer status = first.poll();
                    String json = status == null ? "{\"id\": \"e1\"}" : "{}";
                    byte[] answer = json.getBytes(StandardCharsets.UTF_8);
                    exchange.getResponseHeaders().add("Content-Type", "application/json");
                    exchange.getResponseHeaders().add("Versioner-Features", features);
                    exchange.sendResponseHeaders(status == null ? 201 : status, answer.length);
                    exchange.getResponseBody().write(answer);
                    exchange.close();
                });
        server.setExecutor(threads);
        server.start();
    }

    /** Lets every request that comes from now on wait for its answer. */
    public void hold() {
        gate = new CountDownLatch(1);
    }

    /** Answers what waits, and all that comes. */
    public void release() {
        gate.countDown();
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    public String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    public int requests() {
        return bodies.size();
    }

    /** {@return the bodies of the requests, in their order} */
    public List<String> bodies() {
        return List.copyOf(bodies);
    }

    /** {@return the idempotency keys of the requests, in their order; empty for none} */
    public List<String> keys() {
        return List.copyOf(keys);
    }

    /** What every answer lists from now on. */
    public void offer(String features) {
        this.features = features;
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
