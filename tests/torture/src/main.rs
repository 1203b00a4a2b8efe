//! Kills the server and cuts its answers under load through the C library, then looks for events
//! that were reported recorded and are lost, and for events that are recorded twice.

mod chance;
mod link;
mod load;
mod server;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chance::Chance;
use link::Link;
use load::{Load, Told};
use server::{Server, builds};

/// A server that serves lives at most so long, in milliseconds.
const LONGEST_LIFE: u64 = 120;
/// One server in so many is killed before it serves.
const EARLY_ONE_OF: u64 = 10;

struct Campaign {
    server: PathBuf,
    load: PathBuf,
    kills: u64,
    seed: u64,
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
    Ok(Campaign {
        server: server.into(),
        load: load.into(),
        kills: kills.parse()?,
        seed: seed.first().map_or(Ok(now), |seed| seed.parse())?,
    })
}

impl Campaign {
    /// Whether nothing was lost and nothing doubled.
    fn run(&self) -> Result<bool, Box<dyn Error>> {
        println!("{} kills, seed {}", self.kills, self.seed);
        let begin = Instant::now();
        let data = tempfile::tempdir()?;
        let chance = Arc::new(Chance::new(self.seed));
        let link = Link::start(Arc::clone(&chance))?;

        let mut server = Server::start(&self.server, data.path())?;
        let ready = server.ready()?;
        let key = ready.key.ok_or("the first server shows no key")?;
        link.lead_to(Some(ready.address));
        let load = Load::start(&self.load, link.address, &key)?;
        for _ in 0..self.kills {
            thread::sleep(Duration::from_millis(chance.below(LONGEST_LIFE)));
            link.lead_to(None);
            server.kill()?;
            server = Server::start(&self.server, data.path())?;
            if chance.below(EARLY_ONE_OF) == 0 {
                thread::sleep(Duration::from_millis(chance.below(20)));
                continue;
            }
            link.lead_to(Some(server.ready()?.address));
        }
        server.kill()?;
        let mut server = Server::start(&self.server, data.path())?;
        let address = server.ready()?.address;
        link.lead_to(Some(address));
        let told = load.finish()?;
        let found = builds(address, &key)?;
        server.kill()?;

        println!(
            "{} kills and {} cut answers in {:.0} s",
            self.kills + 1,
            link.cuts(),
            begin.elapsed().as_secs_f64()
        );
        Ok(judge(&told, &found))
    }
}

fn judge(told: &Told, found: &[(String, String)]) -> bool {
    let mut rows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (version, id) in found {
        rows.entry(version).or_default().push(id);
    }
    let is_lost = |(version, id): &(&String, &String)| {
        !rows
            .get(version.as_str())
            .is_some_and(|ids| ids.contains(&id.as_str()))
    };
    let lost: Vec<_> = told.recorded.iter().filter(is_lost).collect();
    let doubled: Vec<_> = rows.iter().filter(|(_, ids)| ids.len() > 1).collect();
    println!(
        "{} events reported recorded, {} reported unknown, {} rows: {} lost, {} recorded twice",
        told.recorded.len(),
        told.unknown.len(),
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
    for (version, message) in told.unknown.iter().take(5) {
        println!("unknown: {version}: {message}");
    }
    lost.is_empty() && doubled.is_empty() && !told.recorded.is_empty()
}
