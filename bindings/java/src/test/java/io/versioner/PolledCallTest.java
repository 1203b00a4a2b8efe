package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PolledCallTest {
    private static final Map<String, String> ENVIRONMENT =
            Map.of("VERSIONER_API_KEY", "sk_test_k1_secretsecret", "VERSIONER_PRODUCT", "api");

    private static Map<String, Object> awaited(String call) {
        Map<String, Object> end = PolledCall.poll(call);
        while (end == null) {
            Thread.onSpinWait();
            end = PolledCall.poll(call);
        }
        return end;
    }

    @Test
    void aCallEndsInAMapAndIsForgotten() {
        Map<String, ?> values =
                Map.of("version", 1, "api_url", "http://127.0.0.1:1", "max_retries", 0);
        String call = PolledCall.start("build", "java", values, ENVIRONMENT);
        Map<String, Object> end = awaited(call);
        assertEquals(1, end.get("code"));
        assertEquals("network", end.get("kind"));
        assertEquals(1, end.get("attempts"));
        assertThrows(IllegalStateException.class, () -> PolledCall.poll(call));
    }

    @Test
    void aCallThatIsCancelledIsForgotten() throws Exception {
        try (SilentServer server = new SilentServer()) {
            Map<String, ?> values = Map.of("version", 1, "api_url", server.url());
            String call = PolledCall.start("build", "java", values, ENVIRONMENT);
            server.awaitRequest();
            assertNull(PolledCall.poll(call));
            PolledCall.cancel(call);
            PolledCall.cancel(call);
            assertThrows(IllegalStateException.class, () -> PolledCall.poll(call));
        }
    }

    @Test
    void aBadSettingIsNamed() {
        Map<String, ?> values = Map.of("fail_on_api_error", "perhaps");
        Map<String, Object> end =
                awaited(PolledCall.start("deployment", "java", values, ENVIRONMENT));
        assertEquals("config", end.get("kind"));
        String message = (String) end.get("message");
        assertTrue(message.contains("VERSIONER_FAIL_ON_API_ERROR"), message);
    }

    @Test
    void anUnusableValueIsAnEndLikeAnyOther() {
        Map<String, ?> values = Map.of("version", List.of(1));
        Map<String, Object> end =
                awaited(PolledCall.start("deployment", "java", values, ENVIRONMENT));
        assertEquals("invalid_argument", end.get("kind"));
        assertEquals("version", end.get("argument"));
    }

    @Test
    void unknownNamesAreRefusedAtOnce() {
        Map<String, String> values = Map.of("colour", "red");
        assertThrows(
                IllegalArgumentException.class,
                () -> PolledCall.start("build", "java", values, ENVIRONMENT));
        assertThrows(
                IllegalArgumentException.class,
                () -> PolledCall.start("release", "java", Map.of(), ENVIRONMENT));
    }
}
