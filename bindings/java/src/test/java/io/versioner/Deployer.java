package io.versioner;

import java.io.IOException;
import java.util.Map;

/** A program that deploys until somebody ends it, and prints its text before each step. */
final class Deployer {
    private Deployer() {}

    static final DeploymentEvent EVENT =
            DeploymentEvent.of(
                    Map.of("product", "api", "environment", "production", "version", "1.2.3"));

    static Client client(String url, String key) {
        return Client.builder().apiUrl(url).apiKey(key).environment(Map.of()).build();
    }

    public static void main(String[] arguments) throws IOException {
        Client client = client(arguments[0], arguments[1]);
        Span span = client.prepare(EVENT);
        System.out.println("prepared " + span.save());
        span.ask();
        System.out.println("open " + span.save());
        System.in.read();
    }
}
