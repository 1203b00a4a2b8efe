/* What the C programs share: the event, and the measuring. */
#include <time.h>

#define KEY "sk_test_k1_secretsecret"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define FILL HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
/* 891 bytes, as large as an event from a CI system with its metadata. */
#define EVENT                                                                           \
    "{\"product_name\":\"api\",\"version\":\"1.2.3\",\"status\":\"completed\","         \
    "\"source_system\":\"github\",\"scm_sha\":\"4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b\","    \
    "\"scm_branch\":\"main\",\"extra_metadata\":{\"fill\":\"" FILL "\"}}"

static int ascending(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void measure(void (*post)(void), int count) {
    double *times = malloc(sizeof(double) * (size_t)count);
    int index;
    for (index = 0; index < count / 10; index++) post();
    for (index = 0; index < count; index++) {
        double start = microseconds();
        post();
        times[index] = microseconds() - start;
    }
    qsort(times, (size_t)count, sizeof(double), ascending);
    printf("%.2f\n", times[count / 2]);
    free(times);
}
