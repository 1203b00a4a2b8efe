/* A call to a service that never answers ends from a signal handler, from another thread, and by
 * its own flag. Writes a line before each call; whoever runs this sends SIGUSR1 after the first.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>

#include "check.h"

static versioner_client *client;
static int32_t cancel_flag;

static void on_signal(int number) {
    (void)number;
    versioner_client_cancel(client);
}

static void expect_interrupted(const int32_t *flag) {
    versioner_build_event event = a_build();
    versioner_result *result;
    event.cancel_flag = flag;
    CHECK(versioner_track_build(client, &event, &result) == VERSIONER_ERROR);
    CHECK(versioner_result_kind(result) == VERSIONER_KIND_INTERRUPTED);
    versioner_result_free(result);
}

static void *set_flag(void *flag) {
    __atomic_store_n((int32_t *)flag, 1, __ATOMIC_RELAXED);
    return NULL;
}

int main(int count, char **arguments) {
    struct sigaction action;
    pthread_t thread;
    CHECK(count == 2);
    client = client_for(arguments[1]);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    expect_interrupted(NULL);

    CHECK(pthread_create(&thread, NULL, set_flag, &cancel_flag) == 0);
    expect_interrupted(&cancel_flag);
    CHECK(pthread_join(thread, NULL) == 0);
    versioner_client_free(client);
    return 0;
}
