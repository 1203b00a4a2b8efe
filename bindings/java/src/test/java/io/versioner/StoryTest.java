package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
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
            assertEquals("started", client.trackDeployment(deployment("started")).status());
            assertEquals("completed", client.trackDeployment(deployment("success")).status());
        }
    }
}
