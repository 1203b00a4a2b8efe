/* A call to a service that never answers ends from a signal handler and by its own flag. Whoever
 * runs this plays the service, and sends SIGUSR1 once each of the two requests has arrived.
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

int main(int count, char **arguments) {
    CHECK(count == 2);
    client = client_for(arguments[1]);
    on_signal(cancel_client);
    expect_interrupted(NULL);
    on_signal(set_flag);
    expect_interrupted(&cancel_flag);
    versioner_client_free(client);
    return 0;
}
