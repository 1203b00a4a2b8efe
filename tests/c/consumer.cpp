// The header and the initialisers in C++11.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <versioner.h>

namespace {

struct Free {
    void operator()(versioner_client *client) const { versioner_client_free(client); }
    void operator()(versioner_result *result) const { versioner_result_free(result); }
};

void check(bool condition, const char *what) {
    if (!condition) {
        std::fprintf(stderr, "not so: %s\n", what);
        std::exit(1);
    }
}

}  // namespace

int main(int count, char **arguments) {
    check(count == 2, "a URL is given");
    const char *const nothing[] = {nullptr};
    versioner_options options = VERSIONER_OPTIONS_INIT;
    options.api_key = "sk_test_k1_secretsecret";
    options.api_url = arguments[1];
    options.environment = nothing;
    versioner_client *raw_client = nullptr;
    check(versioner_client_new(&options, &raw_client, nullptr) == VERSIONER_OK, "a client");
    std::unique_ptr<versioner_client, Free> client(raw_client);

    versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
    event.product = "api";
    event.environment = "production";
    event.version = "1.2.3";
    versioner_result *raw_result = nullptr;
    versioner_code code = versioner_track_deployment(client.get(), &event, &raw_result);
    std::unique_ptr<versioner_result, Free> result(raw_result);
    check(code == VERSIONER_OK, "recorded");
    check(std::strcmp(versioner_result_event_id(result.get()), "evt-1") == 0, "the event's id");
    versioner_build_event build = VERSIONER_BUILD_EVENT_INIT;
    check(versioner_track_build(client.get(), &build, nullptr) == VERSIONER_ERROR, "no product");
    return 0;
}
