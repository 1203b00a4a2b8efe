package io.versioner;

import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * A program that deploys until somebody ends it, and prints its text before each step; with a third
 * argument it does so in a body, or ends itself there.
 */
final class Deployer {
    private Deployer() {}

    static final DeploymentEvent EVENT =
            DeploymentEvent.of(
                    Map.of("product", "api", "environment", "production", "version", "1.2.3"));

    static Client client(String url, String key) {
        return Client.builder().apiUrl(url).apiKey(key).environment(Map.of()).build();
    }

    public static void main(String[] arguments) throws Exception {
        Client client = client(arguments[0], arguments[1]);
        if (arguments.length > 2) {
            client.deployment(EVENT, span -> deploy(arguments[2].equals("exit")));
            return;
        }
        Span span = client.prepare(EVENT);
        System.out.println("prepared " + span.save());
        span.ask();
        System.out.println("open " + span.save());
        System.in.read();
    }

    private static void deploy(boolean exits) throws InterruptedException {
        System.out.println("deploying for long");
        if (exits) {
            System.exit(3);
        }
        // Whoever asks it to end closes its input as well, which must not end the body.
        new CountDownLatch(1).await();
    }
}
