//! Kills servers and cuts their answers under load through the C library, then looks for events that were
//! reported recorded and are lost, for events that are recorded twice, and for deployments that were
//! allowed while another was in progress in the same place.
//!
//! Meanwhile GitHub tells of deployments, a webhook hears of all that happens, and people say yes in Slack:
//! what was taken must be recorded once, what is recorded told, and each click count once.
//!
//! With `VERSIONER_TEST_POSTGRES`, which `scripts/postgres.sh` sets, two servers share that database, and
//! each time either is killed.

mod chance;
mod elsewhere;
mod foreign;
mod guarded;
mod http;
mod link;
mod load;
mod receiver;
mod server;
mod slack;

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chance::Chance;
use elsewhere::Elsewhere;
use http::Api;
use link::Link;
use load::{Load, Told};
use server::{Found, Program, Server, list};
use slack::Slack;

/// A server that serves lives at most so long, in milliseconds.
const LONGEST_LIFE: u64 = 120;
/// One of so many lives long enough for what is looked at each second only.
const LONG_ONE_OF: u64 = 8;
const LONGEST_OF_LONG: u64 = 3000;
/// One server in so many is killed before it serves.
const EARLY_ONE_OF: u64 = 10;

struct Campaign {
    server: PathBuf,
    load: PathBuf,
    kills: u64,
    seed: u64,
    /// The database that two servers share; none for one server on a directory.
    database: Option<OsString>,
}

/// A server, and where it serves once it does.
struct Running {
    server: Server,
    address: Option<SocketAddr>,
}

fn main() -> ExitCode {
    match arguments().and_then(|campaign| campaign.run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("torture: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Campaign, Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [server, load, kills, seed @ ..] = &given[..] else {
        return Err("usage: torture SERVER LOAD KILLS [SEED]".into());
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let database = std::env::var_os("VERSIONER_TEST_POSTGRES");
    Ok(Campaign {
        server: server.into(),
        load: load.into(),
        kills: kills.parse()?,
        seed: seed.first().map_or(Ok(now), |seed| seed.parse())?,
        database: database.map(|mut database| {
            database.push("/postgres");
            database
        }),
    })
}

impl Campaign {
    /// Whether nothing was lost, nothing doubled, and never two were in progress.
    fn run(&self) -> Result<bool, Box<dyn Error>> {
        let count = if self.database.is_some() { 2 } else { 1 };
        println!(
            "{} kills of {count} servers, seed {}",
            self.kills, self.seed
        );
        let begin = Instant::now();
        let folder = tempfile::tempdir()?;
        let data = match &self.database {
            Some(database) => database.clone(),
            None => folder.path().join("data").into(),
        };
        let chance = Arc::new(Chance::new(self.seed));
        let link = Link::start(Arc::clone(&chance))?;
        let slack = Slack::start(&chance)?;
        let program = Program {
            path: self.server.clone(),
            data,
            slack: slack.api,
            secrets: folder.path().join("secrets.key"),
        };
        // A key of 32 bytes in Base64, that keeps nothing secret.
        std::fs::write(&program.secrets, format!("{}=", "A".repeat(43)))?;

        let mut first = Server::start(&program)?;
        let ready = first.ready()?;
        let key = ready.key.ok_or("the first server shows no key")?;
        let mut servers = vec![Running {
            server: first,
            address: Some(ready.address),
        }];
        while servers.len() < count {
            let mut server = Server::start(&program)?;
            let address = Some(server.ready()?.address);
            servers.push(Running { server, address });
        }
        link.lead_to(serving(&servers));
        let mut api = Api {
            address: ready.address,
            key,
        };
        let elsewhere = Elsewhere::start(slack, &api, link.address, &chance)?;
        let load = Load::start(&self.load, link.address, &api.key)?;
        for _ in 0..self.kills {
            let longest = match chance.below(LONG_ONE_OF) {
                0 => LONGEST_OF_LONG,
                _ => LONGEST_LIFE,
            };
            thread::sleep(Duration::from_millis(chance.below(longest)));
            // One that was to be killed before it serves, or else any.
            let early = servers.iter().position(|running| running.address.is_none());
            let any = usize::try_from(chance.below(servers.len() as u64))?;
            let victim = servers.remove(early.unwrap_or(any));
            link.lead_to(serving(&servers));
            victim.server.kill()?;
            let mut server = Server::start(&program)?;
            let address = if chance.below(EARLY_ONE_OF) == 0 {
                thread::sleep(Duration::from_millis(chance.below(20)));
                None
            } else {
                Some(server.ready()?.address)
            };
            servers.push(Running { server, address });
            link.lead_to(serving(&servers));
        }
        for running in servers {
            running.server.kill()?;
        }
        let mut last = Server::start(&program)?;
        api.address = last.ready()?.address;
        link.lead_to(vec![api.address]);
        elsewhere.finish();
        let told = load.finish()?;
        println!(
            "{} kills and {} cut answers in {:.0} s",
            self.kills,
            link.cuts(),
            begin.elapsed().as_secs_f64()
        );
        let builds = list(&api, "builds")?;
        let deployments = list(&api, "deployments")?;
        let of_builds = judge("builds", &told.recorded, &builds);
        let of_deployments = judge("deployments", &told.begun, &deployments);
        let ends = judge_ends(&told, &deployments);
        let others = elsewhere.judge(&api)?;
        last.kill()?;
        Ok(of_builds & of_deployments & ends & others)
    }
}

/// Where servers serve.
fn serving(servers: &[Running]) -> Vec<SocketAddr> {
    servers
        .iter()
        .filter_map(|running| running.address)
        .collect()
}

/// Whether everything that was reported is there, and once.
fn judge(what: &str, reported: &BTreeMap<String, String>, found: &[Found]) -> bool {
    let mut rows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for found in found {
        rows.entry(&found.version).or_default().push(&found.id);
    }
    let is_lost = |(version, id): &(&String, &String)| {
        !rows
            .get(version.as_str())
            .is_some_and(|ids| ids.contains(&id.as_str()))
    };
    let lost: Vec<_> = reported.iter().filter(is_lost).collect();
    let doubled: Vec<_> = rows.iter().filter(|(_, ids)| ids.len() > 1).collect();
    println!(
        "{} {what} reported recorded, {} rows: {} lost, {} recorded twice",
        reported.len(),
        found.len(),
        lost.len(),
        doubled.len()
    );
    for (version, id) in lost.iter().take(10) {
        println!("lost: {version} ({id})");
    }
    for (version, ids) in doubled.iter().take(10) {
        println!("twice: {version} ({})", ids.join(", "));
    }
    lost.is_empty() && doubled.is_empty() && !reported.is_empty()
}

/// Whether no two deployments were in progress in one place, and each end that was reported stands.
fn judge_ends(told: &Told, deployments: &[Found]) -> bool {
    let states: BTreeMap<&str, &str> = deployments
        .iter()
        .map(|found| (found.id.as_str(), found.status.as_str()))
        .collect();
    let stands = |id: &str| states.get(id) == Some(&"completed");
    let undone: Vec<_> = told.ended.iter().filter(|(_, id)| !stands(id)).collect();
    println!(
        "{} ends reported recorded, {} of them not there; {} deployments allowed beside another; \
         {} events reported unknown",
        told.ended.len(),
        undone.len(),
        told.two.len(),
        told.unknown.len()
    );
    for (version, id) in undone.iter().take(10) {
        println!("no end: {version} ({id})");
    }
    for (version, id) in told.two.iter().take(10) {
        println!("two at once: {version} ({id})");
    }
    for (version, message) in told.unknown.iter().take(5) {
        println!("unknown: {version}: {message}");
    }
    undone.is_empty() && told.two.is_empty() && !told.ended.is_empty()
}
