/* 32 threads on one client; then a child process goes on with its parent's. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define THREADS 32
#define EVENTS 10

static void track(versioner_client *client) {
    versioner_build_event event = a_build();
    versioner_result *result;
    CHECK(versioner_track_build(client, &event, &result) == VERSIONER_OK);
    CHECK(versioner_result_recorded(result));
    CHECK_TEXT(versioner_result_event_id(result), "evt-1");
    versioner_result_free(result);
}

static void *many(void *client) {
    int index;
    for (index = 0; index < EVENTS; index++) track(client);
    return NULL;
}

static void fork_and_track(versioner_client *client) {
    int index, status;
    pid_t child = fork();
    CHECK(child >= 0);
    for (index = 0; index < EVENTS; index++) track(client);
    if (child == 0) _exit(0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int count, char **arguments) {
    pthread_t threads[THREADS];
    versioner_client *client;
    int index;
    CHECK(count == 2);
    client = client_for(arguments[1]);
    for (index = 0; index < THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, many, client) == 0);
    }
    for (index = 0; index < THREADS; index++) CHECK(pthread_join(threads[index], NULL) == 0);
    fork_and_track(client);
    versioner_client_free(client);
    return 0;
}
