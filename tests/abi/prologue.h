// versioner.h - tell Versioner what is built and what is deployed where, and stop when it says no.
//
// A program makes a client once, begins and ends deployments with it, and looks at the code of
// each result:
//
//     #include <stdio.h>
//     #include <versioner.h>
//
//     /* Your deployment. Gives whether it succeeded. */
//     static bool deploy(void) { return true; }
//
//     /* Shows how a call ended. */
//     static void show(versioner_code code, versioner_result *result) {
//         fprintf(code == VERSIONER_OK ? stdout : stderr, "%s\n", versioner_result_text(result));
//         versioner_result_free(result);
//     }
//
//     int main(void) {
//         versioner_client *client;
//         versioner_result *result;
//         versioner_span *span;
//         versioner_deployment_event event = VERSIONER_DEPLOYMENT_EVENT_INIT;
//         versioner_end end = VERSIONER_END_INIT;
//         versioner_code code = versioner_client_new(NULL, &client, &result);
//         if (code != VERSIONER_OK) {
//             show(code, result);
//             return (int)code;
//         }
//         event.product = "api";
//         event.environment = "production";
//         event.version = "1.2.3";
//         code = versioner_span_begin(client, &event, &span, &result);
//         show(code, result);
//         if (code == VERSIONER_OK) {
//             bool succeeded = deploy();
//             end.status = succeeded ? "completed" : "failed";
//             code = versioner_span_end(span, &end, &result);
//             show(code, result);
//             versioner_span_free(span);
//             if (!succeeded) code = VERSIONER_ERROR;
//         }
//         versioner_client_free(client);
//         return (int)code;
//     }
//
// On every code but VERSIONER_OK the deployment does not begin. Somebody who sets
// VERSIONER_FAIL_ON_API_ERROR=false in the environment wants it to begin although the service
// cannot be reached: then VERSIONER_OK comes with versioner_result_recorded false, and a program
// that must not allow this sets fail_on_api_error to VERSIONER_YES. A rejection is never softened.
//
// STRINGS are NUL-terminated UTF-8. Going in, NULL and "" mean unset; text that is not UTF-8 is
// code VERSIONER_ERROR with a message that names the member. Coming out, absent is "", never
// NULL, so that printf("%s") is always safe.
//
// OWNERSHIP. The library copies what it is given before it returns. Clients, spans and results
// belong to the caller, who frees them with versioner_client_free, versioner_span_free and
// versioner_result_free. A result or a span owns every string that came from it.
//
// THREADS. Any number of threads may track with one client, and read one result. A thread that
// tracks needs 64 KiB of stack. After fork the child may go on with its parent's client; it opens
// connections of its own. One exception: the C library may leave its lock on host names taken in a
// child that was forked while another thread looked one up. Calls of that child that need a name
// looked up end at their deadline, as if the service did not answer; so fork before other threads
// track, or exec.
//
// NULL in place of a pointer is an error or ignored, never a crash. No function prints, exits,
// or lets a fault of its own out. The API key appears in no message, log or result.
//
// STRUCTS that the caller fills begin with their size, so that later versions can add members at
// the end: start from the ..._INIT macro (or the ..._init function), always. Programs that were
// compiled against an older version run unchanged.
//
// CODES never grow: VERSIONER_OK 0, VERSIONER_ERROR 1, VERSIONER_API_ERROR 4, VERSIONER_REJECTED
// 5. On VERSIONER_REJECTED the deployment must not happen.
//
// SECTIONS: 1 version, 2 codes and kinds, 3 client, 4 events, 5 tracking, 6 asking, 7 spans,
// 8 results.
