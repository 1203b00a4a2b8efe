/* The limit: one send and one recv per event, on one connection, with nothing in between.
 * Usage: c_loop http://127.0.0.1:PORT COUNT; prints the median in microseconds. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"

static int connection;
static char request[4096];

static void post(void) {
    char answer[4096];
    size_t length = strlen(request);
    if (send(connection, request, length, 0) != (ssize_t)length) exit(1);
    if (recv(connection, answer, sizeof answer, 0) <= 0) exit(1);
}

int main(int count, char **arguments) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    int yes = 1;
    const char *port = count == 3 ? strrchr(arguments[1], ':') : NULL;
    if (port == NULL) return 2;
    address.sin_port = htons((unsigned short)atoi(port + 1));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) return 1;
    snprintf(request, sizeof request,
             "POST /build-events/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
             "Content-Type: application/json\r\nUser-Agent: c\r\nContent-Length: %zu\r\n\r\n%s",
             KEY, strlen(EVENT), EVENT);
    measure(post, atoi(arguments[2]));
    return 0;
}
