// Generated from the core by `VERSIONER_WRITE_JAVA=1 cargo test -p versioner-jni generated`.
package io.versioner;

import java.util.List;

/** The order in which values cross to and from the native library. */
final class Layout {
    /** What the native library must answer. */
    static final String ABI =
            "0;"
                    + "product,version,status,source_system,build_number,scm_sha,scm_branch,scm_repository,build_url,invoke_id,built_by,built_by_email,built_by_name,started_at,completed_at,extra_metadata,allow_literal,timeout,idempotency_key;"
                    + "product,version,environment,status,source_system,build_number,scm_sha,scm_branch,scm_repository,build_url,deploy_url,invoke_id,deployed_by,deployed_by_email,deployed_by_name,completed_at,extra_metadata,skip_preflight_checks,allow_literal,timeout,skip_reason,idempotency_key,part,lease,wait,wait_for,wait_superseded;"
                    + "api_key,api_url,ui_url,config,ca_file,client_cert,client_key,outbox,surface,fail_on_api_error,max_retries,retry_pause,attempt_timeout,total_timeout;"
                    + "status,exit_code,signal,error_class,extra_metadata,timeout;"
                    + "code,kind,message,argument,http_status,attempts,recorded,event_id,product_id,version_id,environment_id,status,deployed_at,version,source_system,features,rule,policy_code,retry_after,details,data,text";

    /** Names of the values of a build. */
    static final String[] BUILD = names(1);

    /** Names of the values of a deployment. */
    static final String[] DEPLOYMENT = names(2);

    /** Names of the settings of a client. */
    static final String[] OPTIONS = names(3);

    /** Names of the values of an end. */
    static final String[] END = names(4);

    /** Names of the values of an outcome, less its warnings. */
    static final String[] OUTCOME = names(5);

    /** Fields that may not be given and blank. */
    static final List<String> NAMES =
            List.of("product", "version", "environment", "status", "part");

    /** Fields that hold a moment. */
    static final List<String> TIMES = List.of("completed_at", "started_at");

    // Positions of the values of an outcome.
    static final int CODE = 0;
    static final int KIND = 1;
    static final int MESSAGE = 2;
    static final int ARGUMENT = 3;
    static final int HTTP_STATUS = 4;
    static final int ATTEMPTS = 5;
    static final int RECORDED = 6;
    static final int EVENT_ID = 7;
    static final int PRODUCT_ID = 8;
    static final int VERSION_ID = 9;
    static final int ENVIRONMENT_ID = 10;
    static final int STATUS = 11;
    static final int DEPLOYED_AT = 12;
    static final int VERSION = 13;
    static final int SOURCE_SYSTEM = 14;
    static final int FEATURES = 15;
    static final int RULE = 16;
    static final int POLICY_CODE = 17;
    static final int RETRY_AFTER = 18;
    static final int DETAILS = 19;
    static final int DATA = 20;
    static final int TEXT = 21;

    private Layout() {}

    private static String[] names(int part) {
        return ABI.split(";")[part].split(",");
    }
}
