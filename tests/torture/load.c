/* Tracks builds and deployments on many threads until its standard input closes, and says how each
 * ended, in lines:
 *
 *     recorded VERSION ID      a build is recorded
 *     begun VERSION ID         a deployment may begin
 *     ended VERSION ID         its end is recorded
 *     unknown VERSION MESSAGE  nobody knows of the build, or of the end
 *     two VERSION ID           another deployment in the same place was in progress
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

/* Of so many threads one deploys, and they share so many places. */
enum { DEPLOYS_ONE_OF = 4, PLACES = 2 };

static const struct timespec breath = {0, 1000 * 1000};
static versioner_client *client;
static atomic_int is_over;
/* How many threads were told that they may deploy and have not begun to tell the end, by place. */
static atomic_int in_progress[PLACES];

static void track(const char *version) {
    versioner_build_event event = VERSIONER_BUILD_EVENT_INIT;
    versioner_result *result;
    event.product = "torture";
    event.version = version;
    versioner_track_build(client, &event, &result);
    if (versioner_result_recorded(result)) {
        printf("recorded %s %s\n", version, versioner_result_event_id(result));
    } else {
        printf("unknown %s %s\n", version, versioner_result_message(result));
    }
    versioner_result_free(result);
}

static void deploy(const char *version, int place) {
    versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
    versioner_end end = VERSIONER_END_INIT;
    versioner_span *span;
    versioner_result *begun;
    versioner_result *ended;
    event.product = "torture";
    event.environment = place == 0 ? "staging" : "production";
    event.version = version;
    end.status = "completed";
    if (versioner_span_begin(client, &event, &span, &begun) == VERSIONER_OK) {
        const char *id = versioner_result_event_id(begun);
        const int others = atomic_fetch_add(&in_progress[place], 1);
        printf("%s %s %s\n", others == 0 ? "begun" : "two", version, id);
        nanosleep(&breath, NULL);
        atomic_fetch_sub(&in_progress[place], 1);
        if (versioner_span_end(span, &end, &ended) == VERSIONER_OK) {
            printf("ended %s %s\n", version, id);
        } else {
            printf("unknown %s %s\n", version, versioner_result_message(ended));
        }
        versioner_result_free(ended);
        versioner_span_free(span);
    }
    versioner_result_free(begun);
}

static void *work(void *argument) {
    const int number = *(const int *)argument;
    unsigned long count;
    for (count = 0; !is_over; count++) {
        char version[64];
        snprintf(version, sizeof version, "%d.%lu", number, count);
        if (number % DEPLOYS_ONE_OF == 0) {
            deploy(version, number / DEPLOYS_ONE_OF % PLACES);
        } else {
            track(version);
        }
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
        if (pthread_create(&handles[index], NULL, work, &numbers[index]) != 0) return 2;
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
