/* The same events through libversioner's C ABI.
 * Usage: c_abi_loop URL COUNT; prints the median in microseconds. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <versioner.h>

#include "loop.h"

static versioner_client *client;

static void post(void) {
    versioner_build_event event = VERSIONER_BUILD_EVENT_INIT;
    versioner_result *result;
    event.product = "api";
    event.version = "1.2.3";
    event.source_system = "github";
    event.scm_sha = "4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b";
    event.scm_branch = "main";
    event.extra_metadata = "{\"fill\":\"" FILL "\"}";
    if (versioner_track_build(client, &event, &result) != VERSIONER_OK) exit(1);
    versioner_result_free(result);
}

int main(int count, char **arguments) {
    static const char *const nothing[] = {NULL};
    versioner_options options = VERSIONER_OPTIONS_INIT;
    if (count != 3) return 2;
    options.api_key = KEY;
    options.api_url = arguments[1];
    options.environment = nothing;
    if (versioner_client_new(&options, &client, NULL) != VERSIONER_OK) return 1;
    measure(post, atoi(arguments[2]));
    versioner_client_free(client);
    return 0;
}
