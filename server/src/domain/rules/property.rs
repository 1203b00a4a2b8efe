//! Whatever rules there are, and whatever goes past them.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use super::evidence::Evidence;
use super::{Asking, Exempted, Exemption, Rule, RuleSpec, Start, Window, evaluate};
use crate::domain::deployment::{Gate, Place, Row, State};
use crate::domain::fields::Fields;
use crate::domain::people::Claim;

const NOW: i64 = 1_763_553_600_000_000;
const HOUR: i64 = 3600 * 1_000_000;

fn place() -> Place {
    Place {
        product_id: "p".to_owned(),
        environment_id: "e".to_owned(),
        version_id: "v".to_owned(),
        product: "api".to_owned(),
        environment: "production".to_owned(),
        version: "1".to_owned(),
        ..Place::default()
    }
}

/// A rule of any kind but `concurrency`, which may switch the check for one in progress off.
fn rule() -> impl Strategy<Value = Rule> {
    let always = json!({ "recurrence": "daily", "start_time": "00:00", "end_time": "00:00" });
    let kinds = vec![
        ("no_deploy_window", always),
        ("flow", json!({ "required_environments": ["staging"] })),
        (
            "soak_time",
            json!({ "environment": "staging", "soak_minutes": 60 }),
        ),
        (
            "quality_approval",
            json!({ "required_environments": ["staging"], "required_approvals": 1 }),
        ),
        ("release_approval", json!({ "required_approvals": 1 })),
    ];
    (
        prop::sample::select(kinds),
        prop::sample::select(vec!["enabled", "report_only", "disabled"]),
        prop::sample::select(vec!["pass", "gated"]),
        prop::sample::select(vec!["r1", "r2", "r3"]),
    )
        .prop_map(|((kind, config), status, rollbacks, id)| {
            let body = json!({
                "name": kind, "type": kind, "status": status, "rollbacks": rollbacks,
                "config": config,
            });
            Rule {
                id: id.to_owned(),
                spec: RuleSpec::read(body).unwrap(),
                overridden: None,
                created_at: 0,
                updated_at: 0,
            }
        })
}

fn exemption() -> impl Strategy<Value = Exemption> {
    (
        prop::option::of(prop::sample::select(vec!["r1", "r2"])),
        prop::option::of(prop::sample::select(vec!["1", "2"])),
        -2_i64..3,
        0_i64..3,
        prop::option::weighted(0.2, Just(NOW)),
    )
        .prop_map(|(rule, version, hours, used, withdrawn_at)| Exemption {
            id: "x".to_owned(),
            exempted: rule.map_or(Exempted::All, |id| Exempted::Rules(vec![id.to_owned()])),
            product_id: "p".to_owned(),
            product: "api".to_owned(),
            environment_id: "e".to_owned(),
            environment: "production".to_owned(),
            version: version.map(str::to_owned),
            until: NOW + hours * HOUR,
            uses: 2,
            used,
            reason: "incident".to_owned(),
            by: "key:k1".to_owned(),
            created_at: NOW,
            withdrawn_at,
        })
}

fn in_progress() -> Row {
    Row {
        id: "other".to_owned(),
        position: 1,
        product_id: "p".to_owned(),
        environment_id: "e".to_owned(),
        version_id: "w".to_owned(),
        version: "2".to_owned(),
        state: State::Started,
        gate: Gate::Allowed,
        exclusive: true,
        origin: Default::default(),
        span: None,
        parts: Default::default(),
        deployed_by: None,
        asked_by: None,
        asked: None,
        asks: 1,
        refused_by: None,
        ended_by: None,
        overlapped: false,
        evidence: true,
        created_at: NOW,
        updated_at: NOW,
        started_at: Some(NOW),
        at: NOW,
        deployed_at: None,
        expires_at: None,
        lease: HOUR,
    }
}

fn window() -> impl Strategy<Value = Value> {
    let times = || prop::sample::select(vec!["00:00", "02:30", "09:00", "18:00", "23:59:59"]);
    let zones = vec![
        "UTC",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Tokyo",
    ];
    (
        prop::sample::select(vec!["daily", "weekly", "monthly"]),
        prop::sample::select(zones),
        times(),
        times(),
        1_i64..=31,
        prop::option::of(1_i64..=31),
        prop::sample::subsequence(vec!["monday", "friday", "saturday", "sunday"], 1..=4),
    )
        .prop_map(|(recurrence, zone, start, end, day, end_day, days)| {
            let mut config = json!({
                "recurrence": recurrence, "timezone": zone, "start_time": start, "end_time": end,
            });
            match recurrence {
                "weekly" => config["days"] = json!(days),
                "monthly" => {
                    config["start_day"] = json!(day);
                    if let Some(end_day) = end_day {
                        config["end_day"] = json!(end_day);
                    }
                }
                _ => {}
            }
            config
        })
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn nothing_goes_past_a_deployment_in_progress(
        rules in prop::collection::vec(rule(), 0..4),
        exemptions in prop::collection::vec(exemption(), 0..4),
        was_current in any::<bool>(),
    ) {
        let place = place();
        let evidence = Evidence { was_current, ..Evidence::default() };
        let row = in_progress();
        let start = |in_progress| Start {
            place: &place,
            in_progress,
            evidence: &evidence,
            asking: Asking { people: &[], claim: Claim::default(), actor: "key:k1" },
            scm_sha: None,
            exemptions: &exemptions,
            stop: None,
            now: NOW,
        };
        prop_assert!(evaluate(&rules, &start(Some(&row))).blocks());
        // An exemption that is over, used up, withdrawn or for another version lets nothing through.
        let found = evaluate(&rules, &start(None));
        let live = exemptions.iter().any(|one| one.is_live(NOW) && one.is_for(&place));
        prop_assert!(live || found.exemptions().is_empty());
        let blocking = rules.iter().any(|rule| {
            let passes = was_current && rule.spec.to_json()["rollbacks"] == "pass";
            rule.spec.to_json()["status"] == "enabled" && !passes
        });
        prop_assert!(live || found.blocks() == blocking);
    }

    #[test]
    fn a_time_to_try_again_is_one_at_which_the_window_is_over(
        config in window(),
        minutes in 0_i64..(3 * 366 * 24 * 60),
    ) {
        let Value::Object(config) = config else { unreachable!() };
        let mut fields = Fields::of(config, Vec::new());
        let window = Window::read(&mut fields).unwrap();
        let now = Timestamp::from_second(1_700_000_000 + minutes * 60).unwrap();
        if let Some(Some(until)) = window.blocked_until(now) {
            prop_assert!(until.timestamp() > now);
            prop_assert_eq!(window.blocked_until(until.timestamp()), None);
        }
    }
}
