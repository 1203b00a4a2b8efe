//! The CI systems that need no code of their own.

use super::system::Branch::{Ref, TagsInside, Tracked};
use super::system::Link::{Of, Whole};
use super::system::Mark::{Both, Is, Set};
use super::system::Piece::{Base, Fixed, Part};
use super::system::{System, UNKNOWN};

/// In the order in which they are asked. An environment to deploy to is in none of them: a wrong
/// one would choose the wrong policy.
pub(super) const SYSTEMS: [System; 25] = [
    // Before Gitea, whose mark it sets too. Neither has a link: which number it holds is not certain.
    System {
        name: "forgejo",
        marks: &[Is("FORGEJO_ACTIONS", "true")],
        ..LIKE_GITHUB
    },
    System {
        name: "gitea",
        marks: &[Is("GITEA_ACTIONS", "true")],
        ..LIKE_GITHUB
    },
    System {
        name: "buildkite",
        marks: &[Is("BUILDKITE", "true")],
        clone_url: &["BUILDKITE_REPO"],
        sha: &["BUILDKITE_COMMIT"],
        branch: &[Ref("BUILDKITE_BRANCH"), Ref("BUILDKITE_TAG")],
        build_number: &["BUILDKITE_BUILD_NUMBER"],
        invoke_id: &[&["BUILDKITE_BUILD_ID"]],
        run_url: &[
            Of(&[
                Base("BUILDKITE_BUILD_URL"),
                Fixed("#"),
                Part("BUILDKITE_JOB_ID"),
            ]),
            Whole("BUILDKITE_BUILD_URL"),
        ],
        actor: &["BUILDKITE_BUILD_CREATOR"],
        actor_email: &["BUILDKITE_BUILD_CREATOR_EMAIL"],
        ..UNKNOWN
    },
    System {
        name: "teamcity",
        marks: &[Set("TEAMCITY_VERSION")],
        sha: &["BUILD_VCS_NUMBER"],
        build_number: &["BUILD_NUMBER"],
        run_url: &[Whole("BUILD_URL")],
        ..UNKNOWN
    },
    // Before Drone, whose variables it sets too.
    System {
        name: "harness",
        marks: &[Set("HARNESS_BUILD_ID")],
        repository: &[&["DRONE_REPO"]],
        sha: &["DRONE_COMMIT_SHA"],
        branch: &[Ref("DRONE_COMMIT_BRANCH"), Ref("DRONE_TAG")],
        build_number: &["HARNESS_BUILD_ID"],
        invoke_id: &[&["HARNESS_EXECUTION_ID"]],
        run_url: &[Whole("DRONE_BUILD_LINK"), Whole("CI_BUILD_LINK")],
        ..UNKNOWN
    },
    System {
        name: "woodpecker",
        marks: &[Is("CI", "woodpecker")],
        repository: &[&["CI_REPO"]],
        sha: &["CI_COMMIT_SHA"],
        branch: &[
            Ref("CI_COMMIT_SOURCE_BRANCH"),
            Ref("CI_COMMIT_BRANCH"),
            Ref("CI_COMMIT_TAG"),
        ],
        build_number: &["CI_PIPELINE_NUMBER"],
        invoke_id: &[&["CI_PIPELINE_NUMBER"]],
        run_url: &[Whole("CI_PIPELINE_URL")],
        ..UNKNOWN
    },
    System {
        name: "drone",
        marks: &[Is("DRONE", "true")],
        repository: &[&["DRONE_REPO"]],
        sha: &["DRONE_COMMIT_SHA"],
        branch: &[
            Ref("DRONE_SOURCE_BRANCH"),
            Ref("DRONE_BRANCH"),
            Ref("DRONE_TAG"),
        ],
        build_number: &["DRONE_BUILD_NUMBER"],
        invoke_id: &[&["DRONE_BUILD_NUMBER"]],
        run_url: &[Whole("DRONE_BUILD_LINK")],
        ..UNKNOWN
    },
    System {
        name: "appveyor",
        marks: &[Is("APPVEYOR", "true")],
        repository: &[&["APPVEYOR_REPO_NAME"]],
        sha: &["APPVEYOR_PULL_REQUEST_HEAD_COMMIT", "APPVEYOR_REPO_COMMIT"],
        branch: &[
            Ref("APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH"),
            Ref("APPVEYOR_REPO_BRANCH"),
            Ref("APPVEYOR_REPO_TAG_NAME"),
        ],
        build_number: &["APPVEYOR_BUILD_NUMBER"],
        invoke_id: &[&["APPVEYOR_BUILD_ID"]],
        run_url: &[Of(&[
            Base("APPVEYOR_URL"),
            Fixed("/project/"),
            Part("APPVEYOR_ACCOUNT_NAME"),
            Fixed("/"),
            Part("APPVEYOR_PROJECT_SLUG"),
            Fixed("/builds/"),
            Part("APPVEYOR_BUILD_ID"),
        ])],
        ..UNKNOWN
    },
    System {
        name: "semaphore",
        marks: &[Is("SEMAPHORE", "true")],
        repository: &[&["SEMAPHORE_GIT_REPO_SLUG"]],
        sha: &["SEMAPHORE_GIT_PR_SHA", "SEMAPHORE_GIT_SHA"],
        branch: &[
            Ref("SEMAPHORE_GIT_PR_BRANCH"),
            Ref("SEMAPHORE_GIT_BRANCH"),
            Ref("SEMAPHORE_GIT_TAG_NAME"),
        ],
        build_number: &["SEMAPHORE_WORKFLOW_NUMBER"],
        invoke_id: &[&["SEMAPHORE_WORKFLOW_ID"]],
        run_url: &[Of(&[
            Base("SEMAPHORE_ORGANIZATION_URL"),
            Fixed("/workflows/"),
            Part("SEMAPHORE_WORKFLOW_ID"),
        ])],
        ..UNKNOWN
    },
    System {
        name: "bamboo",
        marks: &[Set("bamboo_planKey"), Set("bamboo_agentId")],
        clone_url: &["bamboo_planRepository_repositoryUrl"],
        sha: &[
            "bamboo_planRepository_1_revision",
            "bamboo_planRepository_revision",
        ],
        branch: &[Ref("bamboo_planRepository_1_branchName")],
        build_number: &["bamboo_buildNumber"],
        invoke_id: &[&["bamboo_buildResultKey"]],
        run_url: &[Whole("bamboo_buildResultsUrl"), Whole("bamboo_resultsUrl")],
        ..UNKNOWN
    },
    // Who triggered it is `changes` or `timer` as often as a person.
    System {
        name: "gocd",
        marks: &[Set("GO_PIPELINE_NAME"), Set("GO_PIPELINE_LABEL")],
        sha: &["GO_REVISION"],
        build_number: &["GO_PIPELINE_COUNTER", "GO_PIPELINE_LABEL"],
        invoke_id: &[&[
            "GO_PIPELINE_NAME",
            "GO_PIPELINE_COUNTER",
            "GO_STAGE_NAME",
            "GO_STAGE_COUNTER",
        ]],
        run_url: &[Of(&[
            Base("GO_SERVER_URL"),
            Fixed("/tab/build/detail/"),
            Part("GO_PIPELINE_NAME"),
            Fixed("/"),
            Part("GO_PIPELINE_COUNTER"),
            Fixed("/"),
            Part("GO_STAGE_NAME"),
            Fixed("/"),
            Part("GO_STAGE_COUNTER"),
            Fixed("/"),
            Part("GO_JOB_NAME"),
        ])],
        ..UNKNOWN
    },
    System {
        name: "buddy",
        marks: &[Set("BUDDY_WORKSPACE_ID"), Is("BUDDY", "true")],
        repository: &[&["BUDDY_REPO_SLUG"]],
        clone_url: &["BUDDY_SCM_URL"],
        sha: &["BUDDY_EXECUTION_REVISION"],
        branch: &[Ref("BUDDY_EXECUTION_BRANCH"), Ref("BUDDY_EXECUTION_TAG")],
        build_number: &["BUDDY_EXECUTION_ID"],
        invoke_id: &[&["BUDDY_PIPELINE_ID", "BUDDY_EXECUTION_ID"]],
        run_url: &[Whole("BUDDY_EXECUTION_URL")],
        actor: &["BUDDY_INVOKER_NAME"],
        actor_email: &["BUDDY_INVOKER_EMAIL"],
        ..UNKNOWN
    },
    // Before Codefresh, whose variables begin in the same way.
    System {
        name: "cloudflare-pages",
        marks: &[Is("CF_PAGES", "1")],
        sha: &["CF_PAGES_COMMIT_SHA"],
        branch: &[Ref("CF_PAGES_BRANCH")],
        run_url: &[Whole("CF_PAGES_URL")],
        ..UNKNOWN
    },
    System {
        name: "cloudflare-workers",
        marks: &[Is("WORKERS_CI", "1")],
        sha: &["WORKERS_CI_COMMIT_SHA"],
        branch: &[Ref("WORKERS_CI_BRANCH")],
        invoke_id: &[&["WORKERS_CI_BUILD_UUID"]],
        ..UNKNOWN
    },
    System {
        name: "codefresh",
        marks: &[Set("CF_BUILD_ID")],
        repository: &[&["CF_REPO_OWNER", "CF_REPO_NAME"]],
        sha: &["CF_REVISION"],
        branch: &[TagsInside("CF_BRANCH")],
        invoke_id: &[&["CF_BUILD_ID"]],
        run_url: &[Whole("CF_BUILD_URL")],
        ..UNKNOWN
    },
    System {
        name: "cirrus",
        marks: &[Set("CIRRUS_CI")],
        repository: &[&["CIRRUS_REPO_FULL_NAME"]],
        sha: &["CIRRUS_CHANGE_IN_REPO"],
        branch: &[Ref("CIRRUS_BRANCH"), Ref("CIRRUS_TAG")],
        invoke_id: &[&["CIRRUS_BUILD_ID"]],
        run_url: &[Of(&[
            Fixed("https://cirrus-ci.com/build/"),
            Part("CIRRUS_BUILD_ID"),
        ])],
        ..UNKNOWN
    },
    System {
        name: "bitrise",
        marks: &[Is("BITRISE_IO", "true")],
        clone_url: &["GIT_REPOSITORY_URL"],
        sha: &["BITRISE_GIT_COMMIT", "GIT_CLONE_COMMIT_HASH"],
        branch: &[Ref("BITRISE_GIT_BRANCH"), Ref("BITRISE_GIT_TAG")],
        build_number: &["BITRISE_BUILD_NUMBER"],
        invoke_id: &[&["BITRISE_BUILD_SLUG"]],
        run_url: &[Whole("BITRISE_BUILD_URL")],
        ..UNKNOWN
    },
    System {
        name: "vela",
        marks: &[Set("VELA")],
        repository: &[&["VELA_REPO_FULL_NAME"]],
        sha: &["VELA_BUILD_COMMIT"],
        branch: &[
            Ref("VELA_PULL_REQUEST_SOURCE"),
            Ref("VELA_BUILD_BRANCH"),
            Ref("VELA_BUILD_TAG"),
        ],
        build_number: &["VELA_BUILD_NUMBER"],
        invoke_id: &[&["VELA_BUILD_NUMBER"]],
        run_url: &[Whole("VELA_BUILD_LINK")],
        ..UNKNOWN
    },
    System {
        name: "screwdriver",
        marks: &[Set("SCREWDRIVER")],
        repository: &[&["SD_PIPELINE_NAME"]],
        sha: &["SD_BUILD_SHA"],
        branch: &[Tracked("GIT_BRANCH")],
        invoke_id: &[&["SD_BUILD_ID"]],
        run_url: &[Whole("SD_UI_BUILD_URL")],
        ..UNKNOWN
    },
    System {
        name: "vercel",
        marks: &[Is("VERCEL", "1"), Set("NOW_BUILDER")],
        repository: &[&["VERCEL_GIT_REPO_OWNER", "VERCEL_GIT_REPO_SLUG"]],
        sha: &["VERCEL_GIT_COMMIT_SHA"],
        branch: &[Ref("VERCEL_GIT_COMMIT_REF")],
        invoke_id: &[&["VERCEL_DEPLOYMENT_ID"]],
        run_url: &[Of(&[Fixed("https://"), Part("VERCEL_URL")])],
        ..UNKNOWN
    },
    System {
        name: "netlify",
        marks: &[Is("NETLIFY", "true")],
        clone_url: &["REPOSITORY_URL"],
        sha: &["COMMIT_REF"],
        branch: &[Ref("HEAD"), Ref("BRANCH")],
        invoke_id: &[&["DEPLOY_ID"]],
        run_url: &[Of(&[
            Fixed("https://app.netlify.com/sites/"),
            Part("SITE_NAME"),
            Fixed("/deploys/"),
            Part("DEPLOY_ID"),
        ])],
        ..UNKNOWN
    },
    // After those whose agents run in it. Who started it is a pipeline as often as a person.
    System {
        name: "aws-codebuild",
        marks: &[Set("CODEBUILD_BUILD_ID"), Set("CODEBUILD_BUILD_ARN")],
        clone_url: &["CODEBUILD_SOURCE_REPO_URL"],
        sha: &["CODEBUILD_RESOLVED_SOURCE_VERSION"],
        branch: &[Ref("CODEBUILD_WEBHOOK_HEAD_REF")],
        build_number: &["CODEBUILD_BUILD_NUMBER"],
        invoke_id: &[&["CODEBUILD_BUILD_ID"]],
        run_url: &[Whole("CODEBUILD_PUBLIC_BUILD_URL")],
        ..UNKNOWN
    },
    // Tells nothing by itself: these are the names of its substitutions, for a step that hands
    // them on.
    System {
        name: "google-cloud-build",
        marks: &[Set("BUILDER_OUTPUT")],
        repository: &[&["REPO_FULL_NAME"]],
        sha: &["COMMIT_SHA"],
        branch: &[Ref("BRANCH_NAME"), Ref("TAG_NAME")],
        invoke_id: &[&["BUILD_ID"]],
        ..UNKNOWN
    },
    // Its commit is that of the playbooks, not of what they deploy.
    System {
        name: "awx",
        marks: &[Both("AWX_HOST", "JOB_ID")],
        build_number: &["JOB_ID"],
        invoke_id: &[&["JOB_ID"]],
        run_url: &[Of(&[
            Base("AWX_HOST"),
            Fixed("/#/jobs/playbook/"),
            Part("JOB_ID"),
            Fixed("/output"),
        ])],
        ..UNKNOWN
    },
    // Last: its containers may run the agents of another.
    System {
        name: "argo-workflows",
        marks: &[Set("ARGO_NODE_ID"), Set("ARGO_TEMPLATE")],
        invoke_id: &[&["ARGO_WORKFLOW_NAME"]],
        ..UNKNOWN
    },
];

const LIKE_GITHUB: System = System {
    imitates_github: true,
    repository: &[&["GITHUB_REPOSITORY"]],
    sha: &["GITHUB_SHA"],
    branch: &[Ref("GITHUB_HEAD_REF"), Ref("GITHUB_REF_NAME")],
    build_number: &["GITHUB_RUN_NUMBER"],
    invoke_id: &[&["GITHUB_RUN_ID"]],
    actor: &["GITHUB_ACTOR"],
    ..UNKNOWN
};
