//! Where an event comes from: which run of which pipeline, and which attempt of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Tell runs apart whose `invoke_id` is the same: Jenkins' build 42 exists in every job.
const OF_RUN: [&str; 4] = [
    "vi_jenkins_job_name",
    "vi_rd_job_serverurl",
    "vi_rd_job_project",
    "vi_gl_pipeline_url",
];
/// Tell the attempts of one run apart.
const OF_ATTEMPT: [&str; 4] = [
    "vi_gh_run_attempt",
    "vi_gl_job_id",
    "vi_circle_workflow_job_id",
    "vi_bb_step_uuid",
];
/// For a system that counts its attempts: the job's name and the number that grows.
const COUNTED: [(&str, &str); 2] = [
    ("vi_gh_job", "vi_gh_run_attempt"),
    ("vi_gl_job_name", "vi_gl_job_id"),
];
const REPOSITORY: &str = "scm_repository";

/// What an event, or the first event of a row, says of its run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The system, such as `github`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_system: Option<String>,
    /// The run's identifier there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoke_id: Option<String>,
    /// What else tells runs and attempts apart, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<String, String>,
}

impl Origin {
    /// Collects the marks of an event.
    pub fn new(
        source_system: Option<&str>,
        invoke_id: Option<&str>,
        repository: Option<&str>,
        metadata: &Map<String, Value>,
    ) -> Origin {
        let jobs = COUNTED.iter().map(|(job, _)| *job);
        let names = OF_RUN.into_iter().chain(OF_ATTEMPT).chain(jobs);
        let mut marks: BTreeMap<String, String> = names
            .filter_map(|name| {
                let text = match metadata.get(name)? {
                    Value::String(text) => text.trim().to_owned(),
                    Value::Number(number) => number.to_string(),
                    _ => return None,
                };
                (!text.is_empty()).then(|| (name.to_owned(), text))
            })
            .collect();
        if let Some(repository) = repository {
            marks.insert(REPOSITORY.to_owned(), repository.to_owned());
        }
        Origin {
            source_system: source_system.map(str::to_owned),
            invoke_id: invoke_id.map(str::to_owned),
            marks,
        }
    }

    fn mark(&self, name: &str) -> Option<&String> {
        self.marks.get(name)
    }

    fn agrees(&self, other: &Origin, name: &str) -> bool {
        agree(self.mark(name), other.mark(name))
    }

    /// Whether both are the same run for certain.
    pub fn same_run(&self, other: &Origin) -> bool {
        self.invoke_id.is_some()
            && self.invoke_id == other.invoke_id
            && agree(self.source_system.as_ref(), other.source_system.as_ref())
            && self.agrees(other, REPOSITORY)
            && OF_RUN.iter().all(|name| self.agrees(other, name))
    }

    /// Whether both are the same job of GitLab, which tells of its deployments without their run.
    pub fn same_job(&self, other: &Origin) -> bool {
        let job = "vi_gl_job_id";
        self.mark(job).is_some()
            && self.mark(job) == other.mark(job)
            && agree(self.source_system.as_ref(), other.source_system.as_ref())
            && self.agrees(other, REPOSITORY)
    }

    /// Whether this is of the run `other`, and of its attempt if that is said.
    pub fn is_within(&self, other: &Origin) -> bool {
        self.same_run(other)
            && OF_ATTEMPT.iter().all(|name| {
                let said = other.mark(name);
                said.is_none() || self.mark(name) == said
            })
    }

    /// Whether it says which attempt of its run it is.
    pub fn names_attempt(&self) -> bool {
        OF_ATTEMPT.iter().any(|name| self.mark(name).is_some())
    }

    /// Whether one of the two does not say which run it is.
    pub fn unknown_run(&self, other: &Origin) -> bool {
        self.invoke_id.is_none() || other.invoke_id.is_none()
    }

    /// Whether nothing tells that they are different attempts.
    pub fn attempts_agree(&self, other: &Origin) -> bool {
        OF_ATTEMPT.iter().all(|name| self.agrees(other, name))
    }

    /// Whether both are in the same attempt of the whole run: the legs of a matrix are.
    pub fn same_round(&self, other: &Origin) -> bool {
        self.agrees(other, "vi_gh_run_attempt")
    }

    /// Whether this is a later attempt of the same job of the same run.
    pub fn is_later_attempt_of(&self, other: &Origin) -> bool {
        self.same_run(other)
            && COUNTED.iter().any(|(job, count)| {
                let same_job = self.mark(job).is_some() && self.mark(job) == other.mark(job);
                same_job && number(self.mark(count)) > number(other.mark(count))
            })
    }

    /// What a later event adds: a row knows of its run all that any of its events said.
    pub fn learn(&mut self, event: &Origin) {
        self.source_system = self.source_system.take().or(event.source_system.clone());
        self.invoke_id = self.invoke_id.take().or(event.invoke_id.clone());
        for (name, value) in &event.marks {
            self.marks
                .entry(name.clone())
                .or_insert_with(|| value.clone());
        }
    }
}

/// What only one side says cannot tell them apart.
fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

/// A count; `None`, which is less than any, where it is absent or no number.
fn number(mark: Option<&String>) -> Option<u64> {
    mark?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Origin;

    fn origin(invoke_id: &str, marks: serde_json::Value) -> Origin {
        let marks = marks.as_object().cloned().unwrap_or_default();
        Origin::new(Some("any"), Some(invoke_id), None, &marks)
    }

    #[test]
    fn jenkins_build_42_of_another_job_is_another_run() {
        let a = origin("42", json!({ "vi_jenkins_job_name": "api" }));
        let b = origin("42", json!({ "vi_jenkins_job_name": "web" }));
        let unmarked = origin("42", json!({}));
        assert!(!a.same_run(&b));
        assert!(a.same_run(&unmarked));
        assert!(!Origin::default().same_run(&Origin::default()));
    }

    #[test]
    fn attempts_are_counted_as_numbers_and_within_one_job() {
        let attempt = |job: &str, count: u32| {
            let marks = json!({ "vi_gh_job": job, "vi_gh_run_attempt": count.to_string() });
            origin("7", marks)
        };
        assert!(attempt("deploy", 10).is_later_attempt_of(&attempt("deploy", 9)));
        assert!(!attempt("deploy", 9).is_later_attempt_of(&attempt("deploy", 9)));
        assert!(!attempt("other", 10).is_later_attempt_of(&attempt("deploy", 9)));
        let job = |id: u32| {
            origin(
                "7",
                json!({ "vi_gl_job_name": "deploy", "vi_gl_job_id": id }),
            )
        };
        assert!(job(12).is_later_attempt_of(&job(11)));
        assert!(!job(11).is_later_attempt_of(&job(12)));
    }
}
