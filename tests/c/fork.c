/* Children of a process whose threads are in the middle of calls go on with its client, and may
 * free it. Arguments: URL [CA_FILE].
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define THREADS 4
#define CHILDREN 8
#define EVENTS 5

static volatile int32_t is_over;

static void track(versioner_client *client) {
    versioner_build_event event = a_build();
    versioner_result *result;
    versioner_code code = versioner_track_build(client, &event, &result);
    if (code != VERSIONER_OK) CHECK_TEXT(versioner_result_message(result), "");
    CHECK_TEXT(versioner_result_event_id(result), "evt-1");
    versioner_result_free(result);
}

static void *until_over(void *client) {
    while (!is_over) track(client);
    return NULL;
}

static void in_a_child(versioner_client *client) {
    int index;
    for (index = 0; index < EVENTS; index++) track(client);
    if (fork() == 0) {
        track(client);
        _exit(0);
    }
    CHECK(wait(&index) > 0 && WIFEXITED(index) && WEXITSTATUS(index) == 0);
    versioner_client_free(client);
    _exit(0);
}

int main(int count, char **arguments) {
    pthread_t threads[THREADS];
    versioner_options options = VERSIONER_OPTIONS_INIT;
    versioner_client *client;
    int index, status;
    CHECK(count >= 2);
    options.api_key = "sk_test_k1_secretsecret";
    options.api_url = arguments[1];
    options.ca_file = arguments[2];
    options.environment = nothing;
    CHECK(versioner_client_new(&options, &client, NULL) == VERSIONER_OK);
    for (index = 0; index < THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, until_over, client) == 0);
    }
    for (index = 0; index < CHILDREN; index++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) in_a_child(client);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        track(client);
    }
    is_over = 1;
    for (index = 0; index < THREADS; index++) CHECK(pthread_join(threads[index], NULL) == 0);
    versioner_client_free(client);
    return 0;
}
