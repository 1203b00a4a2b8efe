/* The header can be included any number of times, in every C and every C++. */
#include <versioner.h>
#include <versioner.h>

int main(void) {
    versioner_options options = VERSIONER_OPTIONS_INIT;
    versioner_build_event build = VERSIONER_BUILD_EVENT_INIT;
    versioner_deployment_event deployment = VERSIONER_DEPLOYMENT_EVENT_INIT;
    volatile int32_t flag = 0;
    build.cancel_flag = &flag;
    deployment.cancel_flag = &flag;
    return options.struct_size == sizeof options && build.struct_size == sizeof build &&
                   deployment.struct_size == sizeof deployment
               ? 0
               : 1;
}
