package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A build, refused, approved and deployed, against the real server. */
class StoryTest {
    private static DeploymentEvent deployment(String status) {
        return DeploymentEvent.builder()
                .product("api")
                .environment("production")
                .version("1.2.3")
                .status(status)
                .build();
    }

    @Test
    void aVersionIsBuiltRefusedApprovedAndDeployed(@TempDir Path folder) throws Exception {
        try (VersionerServer server = new VersionerServer(folder);
                Client client =
                        Client.builder()
                                .apiKey(server.key())
                                .apiUrl(server.url())
                                .environment(Map.of())
                                .build()) {
            server.requireApproval();
            BuildEvent build =
                    BuildEvent.builder()
                            .product("api")
                            .version("1.2.3")
                            .scmSha("4f1c2d3e5a6b7c8d9e0f")
                            .extraMetadata("{\"coverage\": 87.50}")
                            .build();
            Outcome built = client.trackBuild(build);
            assertTrue(built.recorded());

            RejectedException refused =
                    assertThrows(
                            RejectedException.class,
                            () -> client.trackDeployment(deployment("started")));
            assertEquals(Kind.APPROVAL_REQUIRED, refused.kind());
            assertEquals("APPROVAL_REQUIRED", refused.outcome().policyCode());
            assertEquals("Production needs an approval", refused.outcome().rule());
            assertTrue(refused.outcome().text().contains("Obtain approval via Versioner UI"));

            server.approve(built.versionId());
            Outcome deployed =
                    client.deployment(
                            deployment(null),
                            span -> assertEquals("started", span.started().status()));
            assertEquals("completed", deployed.status());
            assertEquals("1.2.3", client.deployedVersion("api", "production").version());
        }
    }

    @Test
    void aDeploymentWhoseProcessWasKilledIsEndedByAnother(@TempDir Path folder) throws Exception {
        try (VersionerServer server = new VersionerServer(folder);
                TestProcess deployer =
                        TestProcess.java(Deployer.class, server.url(), server.key());
                Client client = Deployer.client(server.url(), server.key())) {
            String saved = deployer.await("^open (.*)$");
            deployer.kill();
            assertTrue(server.get("/deployments/").contains("\"status\":\"started\""));
            client.resume(saved).end("aborted");
            assertFalse(server.get("/deployments/").contains("\"status\":\"started\""));
            assertTrue(client.deployment(Deployer.EVENT, span -> {}).recorded());
        }
    }

    @Test
    void aProcessThatEndsInTheBodyTellsThatItIsAborted(@TempDir Path folder) throws Exception {
        try (VersionerServer server = new VersionerServer(folder)) {
            for (String way : List.of("stays", "exit")) {
                try (TestProcess deployer =
                        TestProcess.java(Deployer.class, server.url(), server.key(), way)) {
                    deployer.await("(deploying for long)");
                    if (way.equals("stays")) {
                        deployer.terminate();
                    }
                    assertNotEquals(0, deployer.exitCode(), way);
                }
                String deployments = server.get("/deployments/");
                assertFalse(deployments.contains("\"status\":\"started\""), way);
                assertTrue(deployments.contains("\"status\":\"aborted\""), way);
            }
        }
    }

    /** Terminated after it was asked for and before there was an answer. */
    @Test
    void aProcessThatEndsWhileItAsksTellsThatItIsAborted() throws Exception {
        try (AnsweringServer service = new AnsweringServer()) {
            service.hold();
            try (TestProcess deployer =
                    TestProcess.java(
                            Deployer.class, service.url(), "sk_test_k1_secretsecret", "stays")) {
                while (service.requests() == 0) {
                    Thread.onSpinWait();
                }
                deployer.terminate();
                service.release();
                assertNotEquals(0, deployer.exitCode());
            }
            assertTrue(service.bodies().get(1).contains("\"status\":\"aborted\""));
            assertEquals(2, service.requests());
        }
    }

    /** Killed after it was asked for and before there was an answer. */
    @Test
    void aDeploymentWhoseProcessWasKilledWhileItAskedIsAskedForAgain() throws Exception {
        String key = "sk_test_k1_secretsecret";
        try (AnsweringServer service = new AnsweringServer();
                Client client = Deployer.client(service.url(), key)) {
            service.hold();
            TestProcess deployer = TestProcess.java(Deployer.class, service.url(), key);
            String saved = deployer.await("^prepared (.*)$");
            while (service.requests() == 0) {
                Thread.onSpinWait();
            }
            deployer.kill();
            service.release();
            client.resume(saved).end("completed");
            List<String> keys = service.keys();
            assertEquals(3, keys.size());
            assertEquals(keys.get(0), keys.get(1));
        }
    }

    @Test
    void aDeploymentWaitsForItsApproval(@TempDir Path folder) throws Exception {
        CompletableFuture<String> waiting = new CompletableFuture<>();
        LogListener listener =
                (level, message) -> {
                    if (level == LogListener.Level.INFO && message.startsWith("waiting: ")) {
                        waiting.complete(message);
                    }
                };
        try (VersionerServer server = new VersionerServer(folder);
                Client client =
                        Client.builder()
                                .apiKey(server.key())
                                .apiUrl(server.url())
                                .environment(Map.of())
                                .listener(listener)
                                .build()) {
            server.requireApproval();
            Outcome built = client.trackBuild(Map.of("product", "api", "version", "1.2.3"));
            DeploymentEvent event =
                    DeploymentEvent.builder()
                            .product("api")
                            .environment("production")
                            .version("1.2.3")
                            .wait(Duration.ofMinutes(1))
                            .build();
            CompletableFuture<Outcome> deployed =
                    CompletableFuture.supplyAsync(() -> client.deployment(event, span -> {}));
            String told = waiting.get(30, TimeUnit.SECONDS);
            assertTrue(told.contains("Production needs an approval"), told);
            assertFalse(deployed.isDone());
            server.approve(built.versionId());
            assertEquals("completed", deployed.get(60, TimeUnit.SECONDS).status());
        }
    }
}
