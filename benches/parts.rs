//! The parts of a call that are not the network.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use versioner::{Client, Environment, Options, Status, detect};

fn github() -> Environment {
    let names = [
        "REPOSITORY",
        "SHA",
        "REF_NAME",
        "RUN_NUMBER",
        "RUN_ID",
        "ACTOR",
        "WORKFLOW",
        "JOB",
    ];
    let variables = names.map(|name| (format!("GITHUB_{name}"), "acme/api".to_owned()));
    variables
        .into_iter()
        .chain([("GITHUB_ACTIONS".to_owned(), "true".to_owned())])
        .collect()
}

fn options() -> Options {
    Options {
        api_key: "sk_test_k1_secretsecret".into(),
        api_url: "http://127.0.0.1:1".into(),
        environment: Some(github()),
        max_retries: Some(0),
        ..Options::default()
    }
}

fn parts(criterion: &mut Criterion) {
    let environment = github();
    criterion.bench_function("detect GitHub Actions", |bencher| {
        bencher.iter(|| detect(black_box(&environment)));
    });
    criterion.bench_function("detect nothing", |bencher| {
        let nothing = Environment::default();
        bencher.iter(|| detect(black_box(&nothing)));
    });
    criterion.bench_function("read a status", |bencher| {
        bencher.iter(|| Status::parse(black_box(" In_Progress ")));
    });
    criterion.bench_function("make a client", |bencher| {
        bencher.iter(|| Client::new(black_box(options())));
    });
    let invalid = versioner::BuildEvent {
        extra_metadata: r#"{"team": "payments", "ratio": 1.50}"#.into(),
        completed_at: "yesterday".into(),
        ..Default::default()
    };
    criterion.bench_function("refuse an event", |bencher| {
        let client = Client::new(options()).expect("a client");
        bencher.iter(|| {
            client
                .track_build(black_box(&invalid))
                .expect_err("not a time")
        });
    });
    criterion.bench_function("write an outcome", |bencher| {
        let client = Client::new(options()).expect("a client");
        let error = client.track_build(&invalid).expect_err("not a time");
        bencher.iter(|| (error.outcome().text(), error.outcome().to_json()));
    });
}

criterion_group!(benches, parts);
criterion_main!(benches);
