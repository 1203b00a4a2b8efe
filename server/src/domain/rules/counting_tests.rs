use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

use super::super::approval::{Approval, ApprovalKind, Verdict};
use super::{Asking, DAY, Terms, UnknownDeployer, count};
use crate::domain::people::{Claim, Known, PersonSpec};

const NOW: i64 = 1000 * DAY;

fn terms() -> Terms {
    Terms {
        required: 1,
        keys: false,
        exclude_deployer: true,
        unknown_deployer: UnknownDeployer::Warn,
        valid_for_days: 30,
    }
}

fn person(id: &str, active: bool, approves: &[&str]) -> Known {
    let body = json!({
        "name": id, "emails": [format!("{id}@example.com")], "active": active,
        "approves": approves,
    });
    let spec = PersonSpec::read(body).unwrap();
    Known {
        person: spec.person(id.to_owned(), 0),
        identities: spec.identities,
    }
}

fn people() -> Vec<Known> {
    vec![
        person("ada", true, &["release"]),
        person("grace", true, &["release"]),
        person("gone", false, &["release"]),
        person("moved", true, &["quality"]),
    ]
}

fn by(actor: &str) -> Approval {
    Approval {
        id: actor.to_owned(),
        version_id: "v".to_owned(),
        scm_sha: Some("abcdef0".to_owned()),
        kind: ApprovalKind::Release,
        verdict: Verdict::Approve,
        environment_id: "e".to_owned(),
        actor: actor.to_owned(),
        person_id: actor.strip_prefix("person:").map(str::to_owned),
        role: None,
        approved_by: None,
        comment: None,
        created_at: NOW - DAY,
        withdrawn_at: None,
    }
}

fn asking<'a>(people: &'a [Known], deployed_by: &'a str) -> Asking<'a> {
    Asking {
        people,
        claim: Claim {
            deployed_by: Some(deployed_by),
            ..Claim::default()
        },
        actor: "key:ci",
    }
}

/// How many count, and why the first that does not.
#[track_caller]
fn counted(approvals: &[Approval], terms: &Terms, deployed_by: &str) -> (i64, String) {
    let people = people();
    let sha = Some("abcdef0123");
    let found = count(approvals, terms, &asking(&people, deployed_by), sha, NOW);
    let why = found.not_counted.first();
    let why = why.and_then(|left_out| left_out["why"].as_str());
    (found.counted, why.unwrap_or_default().to_owned())
}

#[test]
fn each_reason_not_to_count_is_told() {
    let one = |approval: Approval| counted(&[approval], &terms(), "somebody");
    assert_eq!(one(by("person:ada")), (1, String::new()));
    let told = |approval: Approval| {
        let (count, why) = one(approval);
        assert_eq!(count, 0);
        why
    };
    assert!(told(by("person:gone")).contains("not active"));
    assert!(told(by("person:nobody")).contains("not active"));
    assert!(told(by("person:moved")).contains("may not give release"));
    assert!(told(by("key:k1")).contains("API key"));
    let mut old = by("person:ada");
    old.created_at = NOW - 30 * DAY;
    assert!(told(old.clone()).contains("30 days"));
    old.created_at += 1;
    assert_eq!(one(old).0, 1);
    let mut other = by("person:ada");
    other.scm_sha = Some("1234567".to_owned());
    assert!(told(other.clone()).contains("commit 1234567"));
    other.scm_sha = None;
    assert_eq!(one(other).0, 1, "the commit was not known then");
}

#[test]
fn whoever_deploys_does_not_count_whichever_way_they_approve() {
    let keys = Terms {
        keys: true,
        ..terms()
    };
    let deploying = |approval: Approval| counted(&[approval], &keys, "ada@example.com").0;
    assert_eq!(deploying(by("person:grace")), 1);
    assert_eq!(deploying(by("person:ada")), 0);
    let mut own_key = by("key:k7");
    own_key.person_id = Some("ada".to_owned());
    assert_eq!(deploying(own_key), 0);
    let mut in_the_name_of = by("key:k7");
    in_the_name_of.approved_by = Some("ADA@example.com".to_owned());
    assert_eq!(deploying(in_the_name_of), 0);
    assert_eq!(
        deploying(by("key:ci")),
        0,
        "the key that asks for the start"
    );
    let own = Terms {
        exclude_deployer: false,
        ..keys
    };
    assert_eq!(counted(&[by("key:ci")], &own, "ada@example.com").0, 1);
}

#[test]
fn a_refusal_stands_whatever_was_approved() {
    let mut refusal = by("person:gone");
    refusal.verdict = Verdict::Refuse;
    refusal.comment = Some("it loses orders".to_owned());
    refusal.created_at = 0;
    let people = people();
    let found = |approvals: &[Approval]| {
        count(approvals, &terms(), &asking(&people, "x"), None, NOW)
            .refusals
            .len()
    };
    assert_eq!(found(&[by("person:ada"), refusal.clone()]), 1);
    refusal.withdrawn_at = Some(NOW);
    assert_eq!(found(&[by("person:ada"), refusal]), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn nobody_counts_twice_and_whoever_deploys_never(
        actors in prop::collection::vec(
            (
                prop::sample::select(vec!["person:ada", "person:grace", "key:k1", "key:k2", "key:ci"]),
                prop::option::of(prop::sample::select(vec!["ada", "grace"])),
            ),
            0..12,
        ),
        keys in any::<bool>(),
        deploys in prop::sample::select(vec!["ada@example.com", "grace@example.com", "nobody"]),
    ) {
        let approvals: Vec<Approval> = actors
            .iter()
            .map(|(actor, owner)| {
                let mut approval = by(actor);
                if approval.is_by_key() {
                    approval.person_id = owner.map(str::to_owned);
                }
                approval
            })
            .collect();
        let terms = Terms { keys, ..terms() };
        let (count, _) = counted(&approvals, &terms, deploys);
        let mut voters: Vec<String> = approvals
            .iter()
            .filter(|approval| keys || !approval.is_by_key())
            .filter(|approval| approval.actor != "key:ci")
            .map(Approval::voter)
            .filter(|voter| {
                let deployer = deploys.split('@').next().unwrap_or_default();
                *voter != format!("person:{deployer}")
            })
            .collect();
        voters.sort();
        voters.dedup();
        prop_assert_eq!(usize::try_from(count).unwrap(), voters.len());
    }
}
