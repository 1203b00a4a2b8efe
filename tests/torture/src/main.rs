//! Kills servers and cuts their answers under load through the C library, then looks for events that were
//! reported recorded and are lost, for events that are recorded twice, and for deployments that were
//! allowed while another was in progress in the same place.
//!
//! With `VERSIONER_TEST_POSTGRES`, which `scripts/postgres.sh` sets, two servers share that database, and
//! each time either is killed.

mod chance;
mod link;
mod load;
mod server;

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
use link::Link;
use load::{Load, Told};
use server::{Found, Server, list};

/// A server that serves lives at most so long, in milliseconds.
const LONGEST_LIFE: u64 = 120;
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
            None => folder.path().into(),
        };
        let chance = Arc::new(Chance::new(self.seed));
        let link = Link::start(Arc::clone(&chance))?;

        let mut first = Server::start(&self.server, &data)?;
        let ready = first.ready()?;
        let key = ready.key.ok_or("the first server shows no key")?;
        let mut servers = vec![Running {
            server: first,
            address: Some(ready.address),
        }];
        while servers.len() < count {
            let mut server = Server::start(&self.server, &data)?;
            let address = Some(server.ready()?.address);
            servers.push(Running { server, address });
        }
        link.lead_to(serving(&servers));
        let load = Load::start(&self.load, link.address, &key)?;
        for _ in 0..self.kills {
            thread::sleep(Duration::from_millis(chance.below(LONGEST_LIFE)));
            // One that was to be killed before it serves, or else any.
            let early = servers.iter().position(|running| running.address.is_none());
            let any = usize::try_from(chance.below(servers.len() as u64))?;
            let victim = servers.remove(early.unwrap_or(any));
            link.lead_to(serving(&servers));
            victim.server.kill()?;
            let mut server = Server::start(&self.server, &data)?;
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
        let mut last = Server::start(&self.server, &data)?;
        let address = last.ready()?.address;
        link.lead_to(vec![address]);
        let told = load.finish()?;
        let builds = list(address, &key, "builds")?;
        let deployments = list(address, &key, "deployments")?;
        last.kill()?;

        println!(
            "{} kills and {} cut answers in {:.0} s",
            self.kills,
            link.cuts(),
            begin.elapsed().as_secs_f64()
        );
        let of_builds = judge("builds", &told.recorded, &builds);
        let of_deployments = judge("deployments", &told.begun, &deployments);
        Ok(of_builds & of_deployments & judge_ends(&told, &deployments))
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
