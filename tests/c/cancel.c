/* A call to a service that never answers ends from a signal handler, by its own flag, and by its
 * own timeout. Whoever runs this plays the service, and sends SIGUSR1 once each of the first two
 * requests has arrived.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>

#include "check.h"

static versioner_client *client;
static volatile int32_t cancel_flag;

static void cancel_client(int number) {
    (void)number;
    versioner_client_cancel(client);
}

static void set_flag(int number) {
    (void)number;
    cancel_flag = 1;
}

static void on_signal(void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
}

static void expect_interrupted(const volatile int32_t *flag) {
    versioner_build_event event = a_build();
    versioner_result *result;
    event.cancel_flag = flag;
    CHECK(versioner_track_build(client, &event, &result) == VERSIONER_ERROR);
    CHECK(versioner_result_kind(result) == VERSIONER_KIND_INTERRUPTED);
    versioner_result_free(result);
}

/* Of this call alone: the client's own limits are the defaults. */
static void expect_timeout(void) {
    versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
    versioner_result *result;
    event.product = "api";
    event.environment = "production";
    event.version = "1.2.3";
    event.timeout_ms = 100;
    CHECK(versioner_track_deployment(client, &event, &result) == VERSIONER_ERROR);
    CHECK(versioner_result_kind(result) == VERSIONER_KIND_TIMEOUT);
    CHECK(strstr(versioner_result_message(result), "within 0.1 s, the timeout of this call") != NULL);
    versioner_result_free(result);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    client = client_for(arguments[1]);
    on_signal(cancel_client);
    expect_interrupted(NULL);
    on_signal(set_flag);
    expect_interrupted(&cancel_flag);
    expect_timeout();
    versioner_client_free(client);
    return 0;
}
