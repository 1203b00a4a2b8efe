/* Tracks builds on many threads until its standard input closes, and says how each ended: a line
 * `recorded VERSION ID`, or `unknown VERSION MESSAGE`.
 *
 * Usage: load URL KEY THREADS
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <versioner.h>

static versioner_client *client;
static atomic_int is_over;

static void *track(void *number) {
    const struct timespec breath = {0, 1000 * 1000};
    unsigned long count;
    for (count = 0; !is_over; count++) {
        char version[64];
        versioner_build_event event = VERSIONER_BUILD_EVENT_INIT;
        versioner_result *result;
        snprintf(version, sizeof version, "%d.%lu", *(const int *)number, count);
        event.product = "torture";
        event.version = version;
        versioner_track_build(client, &event, &result);
        if (versioner_result_recorded(result)) {
            printf("recorded %s %s\n", version, versioner_result_event_id(result));
        } else {
            printf("unknown %s %s\n", version, versioner_result_message(result));
        }
        versioner_result_free(result);
        nanosleep(&breath, NULL);
    }
    return NULL;
}

int main(int count, char **arguments) {
    const char *no_variables[] = {NULL};
    versioner_options options = VERSIONER_OPTIONS_INIT;
    versioner_result *failure;
    int threads = count == 4 ? atoi(arguments[3]) : 0;
    pthread_t *handles = calloc((size_t)threads + 1, sizeof *handles);
    int *numbers = calloc((size_t)threads + 1, sizeof *numbers);
    int index;
    if (threads < 1 || handles == NULL || numbers == NULL) return 2;
    options.api_url = arguments[1];
    options.api_key = arguments[2];
    options.environment = no_variables;
    options.max_retries = 100;
    options.retry_pause_ms = 1;
    options.attempt_timeout_ms = 2000;
    options.total_timeout_ms = 60000;
    if (versioner_client_new(&options, &client, &failure) != VERSIONER_OK) {
        fprintf(stderr, "%s\n", versioner_result_message(failure));
        return 2;
    }
    versioner_result_free(failure);
    for (index = 0; index < threads; index++) {
        numbers[index] = index;
        if (pthread_create(&handles[index], NULL, track, &numbers[index]) != 0) return 2;
    }
    while (getchar() != EOF) {
    }
    is_over = 1;
    for (index = 0; index < threads; index++) pthread_join(handles[index], NULL);
    versioner_client_free(client);
    free(handles);
    free(numbers);
    return 0;
}
