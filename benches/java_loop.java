import io.versioner.BuildEvent;
import io.versioner.Client;
import io.versioner.ClientBuilder;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Arrays;
import java.util.Map;

/**
 * Sends events to a server that answers at once, and prints the median in microseconds: java -cp
 * JAR java_loop.java versioner|HttpClient URL COUNT
 */
class Loop {
    private static final String KEY = "sk_test_k1_secretsecret";
    private static final String SHA = "4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b";
    private static final String METADATA = "{\"fill\": \"" + "0123456789".repeat(70) + "\"}";

    /** So many calls make the virtual machine compile what they run through. */
    private static final int WARM_UP = 10_000;

    interface Call {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[1];
        int count = Integer.parseInt(arguments[2]);
        if (arguments[0].equals("HttpClient")) {
            System.out.println(median(httpClient(url), count));
            return;
        }
        ClientBuilder builder = Client.builder().apiKey(KEY).apiUrl(url).environment(Map.of());
        try (Client client = builder.build()) {
            System.out.println(median(() -> client.trackBuild(event()), count));
        }
    }

    private static BuildEvent event() {
        return BuildEvent.builder()
                .product("api")
                .version("1.2.3")
                .sourceSystem("github")
                .scmBranch("main")
                .scmSha(SHA)
                .extraMetadata(METADATA)
                .build();
    }

    /** The same body, put together beforehand: HttpClient's share of the work alone. */
    private static Call httpClient(String url) {
        String body =
                "{\"product_name\":\"api\",\"version\":\"1.2.3\",\"status\":\"completed\","
                        + "\"source_system\":\"github\",\"scm_branch\":\"main\",\"scm_sha\":\""
                        + SHA
                        + "\",\"extra_metadata\":"
                        + METADATA
                        + "}";
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(url + "/build-events/"))
                        .version(HttpClient.Version.HTTP_1_1)
                        .header("Authorization", "Bearer " + KEY)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body))
                        .build();
        return () -> client.send(request, BodyHandlers.ofString());
    }

    private static double median(Call call, int count) throws Exception {
        for (int round = 0; round < WARM_UP; round++) {
            call.run();
        }
        long[] times = new long[count];
        for (int round = 0; round < count; round++) {
            long start = System.nanoTime();
            call.run();
            times[round] = System.nanoTime() - start;
        }
        Arrays.sort(times);
        return Math.round(times[count / 2] / 10.0) / 100.0;
    }
}
