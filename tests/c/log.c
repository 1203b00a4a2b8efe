/* The log callback gets messages and its own data, may call the library, and never sees the key. */
#include "check.h"

struct seen {
    versioner_client *client;
    int messages;
    int is_inside;
};

static void log_message(int32_t level, const char *message, void *userdata) {
    struct seen *seen = userdata;
    CHECK(level >= VERSIONER_LOG_WARNING && level <= VERSIONER_LOG_DEBUG);
    CHECK(message[0] != '\0');
    CHECK(strstr(message, "secretsecret") == NULL);
    seen->messages++;
    if (seen->client != NULL && !seen->is_inside) {
        versioner_build_event event = a_build();
        seen->is_inside = 1;
        CHECK(versioner_track_build(seen->client, &event, NULL) == VERSIONER_OK);
        seen->is_inside = 0;
    }
}

int main(int count, char **arguments) {
    struct seen seen = {NULL, 0, 0};
    versioner_options options = VERSIONER_OPTIONS_INIT;
    versioner_client *client;
    versioner_build_event event = a_build();
    CHECK(count == 2);
    options.api_key = "sk_test_k1_secretsecret";
    options.api_url = arguments[1];
    options.environment = nothing;
    options.log = log_message;
    options.log_userdata = &seen;
    CHECK(versioner_client_new(&options, &client, NULL) == VERSIONER_OK);
    seen.client = client;
    event.built_by = "sk_test_k1_secretsecret";
    event.status = "sk_test_k1_secretsecret";
    CHECK(versioner_track_build(client, &event, NULL) == VERSIONER_OK);
    CHECK(seen.messages > 0);
    versioner_client_free(client);
    return 0;
}
