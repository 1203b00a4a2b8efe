/* The same events through libcurl, on one handle that keeps its connection.
 * Usage: libcurl_loop URL COUNT; prints the median in microseconds. */
#define _POSIX_C_SOURCE 200809L
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

static CURL *handle;

static size_t ignore(char *data, size_t size, size_t count, void *user) {
    (void)data;
    (void)user;
    return size * count;
}

static void post(void) {
    CURLcode code = curl_easy_perform(handle);
    if (code == CURLE_OK) return;
    fprintf(stderr, "libcurl_loop: %s\n", curl_easy_strerror(code));
    exit(1);
}

int main(int count, char **arguments) {
    char url[128];
    struct curl_slist *headers = NULL;
    if (count != 3) return 2;
    snprintf(url, sizeof url, "%s/build-events/", arguments[1]);
    handle = curl_easy_init();
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Authorization: Bearer " KEY);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, EVENT);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, 30L);
    if (getenv("SSL_CERT_FILE") != NULL) {
        curl_easy_setopt(handle, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
    }
    measure(post, atoi(arguments[2]));
    curl_slist_free_all(headers);
    curl_easy_cleanup(handle);
    return 0;
}
