/* No input may crash, abort or leak: NULL everywhere, bad UTF-8, struct sizes of other versions. */
#include "check.h"

static const char bad_utf8[] = "\xff\xfe";

static versioner_kind kind_of(versioner_result *result) {
    versioner_kind kind = versioner_result_kind(result);
    versioner_result_free(result);
    return kind;
}

static void null_pointers(versioner_client *client) {
    versioner_result *result = NULL;
    versioner_build_event event = a_build();
    CHECK(versioner_client_new(NULL, NULL, NULL) == VERSIONER_ERROR);
    CHECK(versioner_client_new(NULL, NULL, &result) == VERSIONER_ERROR);
    CHECK(kind_of(result) == VERSIONER_KIND_INVALID_ARGUMENT);
    CHECK(versioner_track_build(NULL, NULL, NULL) == VERSIONER_ERROR);
    CHECK(versioner_track_deployment(NULL, NULL, NULL) == VERSIONER_ERROR);
    CHECK(versioner_track_build(NULL, &event, &result) == VERSIONER_ERROR);
    CHECK_TEXT(versioner_result_argument(result), "client");
    versioner_result_free(result);
    CHECK(versioner_track_build(client, NULL, &result) == VERSIONER_ERROR);
    CHECK_TEXT(versioner_result_argument(result), "event");
    versioner_result_free(result);
    CHECK(versioner_track_deployment(client, NULL, &result) == VERSIONER_ERROR);
    CHECK_TEXT(versioner_result_argument(result), "event");
    versioner_result_free(result);
    CHECK(versioner_track_build(client, &event, NULL) == VERSIONER_OK);
    versioner_client_cancel(NULL);
    versioner_client_free(NULL);
    versioner_options_init(NULL);
    versioner_build_event_init(NULL);
    versioner_deployment_event_init(NULL);
    versioner_result_free(NULL);
}

static void null_result(void) {
    CHECK(versioner_result_code(NULL) == VERSIONER_ERROR);
    CHECK(versioner_result_kind(NULL) == VERSIONER_KIND_INVALID_ARGUMENT);
    CHECK(versioner_result_http_status(NULL) == 0);
    CHECK(versioner_result_attempts(NULL) == 0);
    CHECK(!versioner_result_recorded(NULL));
    CHECK(versioner_result_feature_count(NULL) == 0);
    CHECK(versioner_result_warning_count(NULL) == 0);
    CHECK_TEXT(versioner_result_kind_name(NULL), "");
    CHECK_TEXT(versioner_result_message(NULL), "");
    CHECK_TEXT(versioner_result_argument(NULL), "");
    CHECK_TEXT(versioner_result_event_id(NULL), "");
    CHECK_TEXT(versioner_result_product_id(NULL), "");
    CHECK_TEXT(versioner_result_version_id(NULL), "");
    CHECK_TEXT(versioner_result_environment_id(NULL), "");
    CHECK_TEXT(versioner_result_status(NULL), "");
    CHECK_TEXT(versioner_result_deployed_at(NULL), "");
    CHECK_TEXT(versioner_result_source_system(NULL), "");
    CHECK_TEXT(versioner_result_feature(NULL, 0), "");
    CHECK_TEXT(versioner_result_rule(NULL), "");
    CHECK_TEXT(versioner_result_policy_code(NULL), "");
    CHECK_TEXT(versioner_result_retry_after(NULL), "");
    CHECK_TEXT(versioner_result_details(NULL), "");
    CHECK_TEXT(versioner_result_text(NULL), "");
    CHECK_TEXT(versioner_result_json(NULL), "");
    CHECK_TEXT(versioner_result_warning_kind(NULL, 0), "");
    CHECK_TEXT(versioner_result_warning_message(NULL, 0), "");
    CHECK_TEXT(versioner_result_warning_rule(NULL, 0), "");
}

/* Every pointer between the size and the first member that is none is a text. */
static void bad_text_in_events(versioner_client *client) {
    size_t offset;
    for (offset = offsetof(versioner_build_event, product);
         offset < offsetof(versioner_build_event, cancel_flag); offset += sizeof(char *)) {
        versioner_build_event event = a_build();
        versioner_result *result;
        const char *text = bad_utf8;
        memcpy((char *)&event + offset, &text, sizeof text);
        CHECK(versioner_track_build(client, &event, &result) == VERSIONER_ERROR);
        CHECK(versioner_result_argument(result)[0] != '\0');
        CHECK(strstr(versioner_result_message(result), "not valid UTF-8") != NULL);
        CHECK(kind_of(result) == VERSIONER_KIND_INVALID_ARGUMENT);
    }
    for (offset = offsetof(versioner_deployment_event, product);
         offset < offsetof(versioner_deployment_event, skip_preflight_checks);
         offset += sizeof(char *)) {
        versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
        versioner_result *result;
        const char *text = bad_utf8;
        memcpy((char *)&event + offset, &text, sizeof text);
        CHECK(versioner_track_deployment(client, &event, &result) == VERSIONER_ERROR);
        CHECK(strstr(versioner_result_message(result), "not valid UTF-8") != NULL);
        CHECK(kind_of(result) == VERSIONER_KIND_INVALID_ARGUMENT);
    }
}

static void refused(const versioner_options *options, const char *argument) {
    versioner_client *client = (versioner_client *)&argument;
    versioner_result *result = NULL;
    CHECK(versioner_client_new(options, &client, &result) == VERSIONER_ERROR);
    CHECK(client == NULL);
    CHECK_TEXT(versioner_result_argument(result), argument);
    versioner_result_free(result);
    CHECK(versioner_client_new(options, &client, NULL) == VERSIONER_ERROR);
}

static void bad_options(void) {
    static const char *const no_value[] = {"HOME", NULL};
    versioner_options valid = VERSIONER_OPTIONS_INIT;
    versioner_options options;
    valid.environment = nothing;
    refused(&valid, "api_key");
#define WITH(member, value)  \
    options = valid;         \
    options.member = (value)
    WITH(api_key, bad_utf8);
    refused(&options, "api_key");
    WITH(api_url, bad_utf8);
    refused(&options, "api_url");
    WITH(ui_url, bad_utf8);
    refused(&options, "ui_url");
    WITH(config, bad_utf8);
    refused(&options, "config");
    WITH(ca_file, bad_utf8);
    refused(&options, "ca_file");
    WITH(client_cert, bad_utf8);
    refused(&options, "client_cert");
    WITH(client_key, bad_utf8);
    refused(&options, "client_key");
    WITH(outbox, bad_utf8);
    refused(&options, "outbox");
    WITH(surface, bad_utf8);
    refused(&options, "surface");
    WITH(environment, no_value);
    refused(&options, "environment");
    WITH(fail_on_api_error, 7);
    refused(&options, "fail_on_api_error");
    WITH(max_retries, -7);
    refused(&options, "max_retries");
    WITH(struct_size, 0);
    refused(&options, "struct_size");
    WITH(struct_size, (size_t)-1);
    refused(&options, "struct_size");
}

static void struct_sizes(versioner_client *client) {
    struct {
        versioner_build_event known;
        char later[64];
    } newer;
    versioner_build_event older = a_build();
    versioner_deployment_event deployment = VERSIONER_DEPLOYMENT_EVENT_INIT;
    versioner_result *result;
    size_t size;

    /* What an older program does not have is unset, whatever lies behind its struct. */
    older.struct_size = offsetof(versioner_build_event, status);
    older.status = bad_utf8;
    CHECK(versioner_track_build(client, &older, &result) == VERSIONER_OK);
    CHECK_TEXT(versioner_result_status(result), "completed");
    versioner_result_free(result);
    /* Half a pointer is refused, not followed. */
    older = a_build();
    for (size = sizeof(size_t) + 1; size < offsetof(versioner_build_event, allow_literal); size++) {
        if (size % sizeof(char *) == 0) continue;
        older.struct_size = size;
        CHECK(versioner_track_build(client, &older, &result) == VERSIONER_ERROR);
        CHECK_TEXT(versioner_result_argument(result), "struct_size");
        versioner_result_free(result);
    }

    memset(&newer, 0, sizeof newer);
    newer.known = a_build();
    newer.known.struct_size = sizeof newer;
    CHECK(versioner_track_build(client, &newer.known, NULL) == VERSIONER_OK);
    newer.later[63] = 1;
    CHECK(versioner_track_build(client, &newer.known, &result) == VERSIONER_ERROR);
    CHECK_TEXT(versioner_result_argument(result), "struct_size");
    versioner_result_free(result);

    deployment.struct_size = 1;
    CHECK(versioner_track_deployment(client, &deployment, &result) == VERSIONER_ERROR);
    CHECK_TEXT(versioner_result_argument(result), "struct_size");
    versioner_result_free(result);
}

/* A variable that is no text is nobody's business until it is needed. */
static void environment_that_is_not_text(const char *url) {
    static const char *const unrelated[] = {"OLD_NAME=M\xfcller", "\xff=1", "HOME=\xff", NULL};
    static const char *const needed[] = {"VERSIONER_API_KEY=\xff", NULL};
    versioner_options options = VERSIONER_OPTIONS_INIT;
    versioner_client *client;
    versioner_build_event event = a_build();
    options.api_key = "sk_test_k1_secretsecret";
    options.api_url = url;
    options.environment = unrelated;
    CHECK(versioner_client_new(&options, &client, NULL) == VERSIONER_OK);
    CHECK(versioner_track_build(client, &event, NULL) == VERSIONER_OK);
    versioner_client_free(client);
    options.api_key = NULL;
    options.environment = needed;
    refused(&options, "api_key");
}

static void literal_names(versioner_client *client) {
    versioner_build_event event = a_build();
    versioner_result *result;
    event.product = "$(Product)";
    CHECK(versioner_track_build(client, &event, &result) == VERSIONER_ERROR);
    CHECK_TEXT(versioner_result_argument(result), "product");
    versioner_result_free(result);
    event.allow_literal = VERSIONER_YES;
    CHECK(versioner_track_build(client, &event, NULL) == VERSIONER_OK);
    event.reserved = 1;
    CHECK(versioner_track_build(client, &event, &result) == VERSIONER_ERROR);
    CHECK_TEXT(versioner_result_argument(result), "reserved");
    versioner_result_free(result);
}

static void misaligned_flag(versioner_client *client) {
    versioner_build_event event = a_build();
    versioner_result *result;
    event.cancel_flag = (const volatile int32_t *)((uintptr_t)&event + 1);
    CHECK(versioner_track_build(client, &event, &result) == VERSIONER_ERROR);
    CHECK_TEXT(versioner_result_argument(result), "cancel_flag");
    versioner_result_free(result);
}

static void results(versioner_client *client) {
    versioner_build_event event = a_build();
    versioner_result *result;
    const char *first;
    event.status = "no-such-status";
    CHECK(versioner_track_build(client, &event, &result) == VERSIONER_OK);
    CHECK(versioner_result_recorded(result));
    first = versioner_result_text(result);
    CHECK(versioner_result_text(result) == first);
    CHECK(versioner_result_json(result) == versioner_result_json(result));
    CHECK(versioner_result_warning_count(result) == 1);
    CHECK_TEXT(versioner_result_warning_kind(result, 0), "unknown_status");
    CHECK(versioner_result_warning_message(result, 0)[0] != '\0');
    CHECK_TEXT(versioner_result_warning_rule(result, 0), "");
    CHECK_TEXT(versioner_result_warning_kind(result, 1), "");
    CHECK_TEXT(versioner_result_feature(result, 0), "");
    CHECK_TEXT(versioner_result_warning_message(result, (size_t)-1), "");
    CHECK_TEXT(versioner_result_details(result), "");
    versioner_result_free(result);
    CHECK_TEXT(versioner_kind_name(VERSIONER_KIND_FLOW_VIOLATION), "flow_violation");
    CHECK_TEXT(versioner_kind_name(-1), "");
    CHECK_TEXT(versioner_kind_name(1000000), "");
}

static void version(void) {
    char expected[64];
    sprintf(expected, "%d.%d.%d", VERSIONER_VERSION_MAJOR, VERSIONER_VERSION_MINOR,
            VERSIONER_VERSION_PATCH);
    CHECK_TEXT(versioner_version(), expected);
    CHECK(versioner_abi_version() == VERSIONER_ABI_VERSION);
}

int main(int count, char **arguments) {
    versioner_client *client;
    CHECK(count == 2);
    client = client_for(arguments[1]);
    null_pointers(client);
    null_result();
    bad_text_in_events(client);
    bad_options();
    struct_sizes(client);
    misaligned_flag(client);
    literal_names(client);
    environment_that_is_not_text(arguments[1]);
    results(client);
    version();
    versioner_client_free(client);
    return 0;
}
