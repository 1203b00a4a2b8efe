"""A job of Rundeck and a step of it."""

from __future__ import annotations

# What Rundeck gives to every script of a job.
JOB = {
    "RD_JOB_ID": "0a1b2c",
    "RD_JOB_EXECID": "42",
    "RD_JOB_NAME": "deploy-api",
    "RD_JOB_PROJECT": "payments",
    "RD_JOB_USERNAME": "maria",
    "RD_JOB_URL": "https://rundeck.example.com/project/payments/execution/follow/42",
    "RD_OPTION_VERSION": "1.2.3",
}


def event(service, **more):
    """The properties of a deployment."""
    given = {
        "product": "api",
        "environment": "production",
        "version": "1.2.3",
        "status": "started",
        "fail_on_api_error": "true",
        "api_key": service.key,
        "api_url": service.url,
    }
    return {**given, **more}
