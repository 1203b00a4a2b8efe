//! Pauses after wrong passwords.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// How many wrong passwords one address may try for one name before a pause.
const FOR_A_NAME: u32 = 5;
/// How many for any names, and how many any addresses for one name: many people may sit behind one
/// address. Whoever has many addresses can keep a name from its password for as long as they try; who is
/// in stays in, and links and providers let people in all the same.
const FOR_ALL: u32 = 30;
/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// How long wrong passwords count.
const MEMORY: Duration = Duration::from_secs(3600);
/// From how many on those that count no more are forgotten.
const MANY: usize = 1024;
/// The most that are remembered.
const MOST: usize = 100_000;

/// A name is hashed: it can be as long as a form.
type Name = [u8; 32];

#[derive(Clone, PartialEq, Eq, Hash)]
enum What {
    Address(IpAddr),
    Name(Name),
    Both(IpAddr, Name),
}

impl What {
    fn tries(&self) -> u32 {
        match self {
            What::Both(..) => FOR_A_NAME,
            What::Address(_) | What::Name(_) => FOR_ALL,
        }
    }
}

struct Wrong {
    count: u32,
    last: Duration,
    paused_until: Duration,
}

/// Counts wrong passwords by address and name. Times are those of a clock that never steps back.
#[derive(Default)]
pub struct Throttle {
    wrong: Mutex<HashMap<What, Wrong>>,
}

impl Throttle {
    /// Whether somebody may try now, and then counts it as wrong until [`Throttle::forgive`] says
    /// otherwise: so tries at the same instant count too. Answers how many more are left.
    ///
    /// # Errors
    /// The seconds until the next try.
    pub fn admit(&self, from: Option<IpAddr>, name: &str, now: Duration) -> Result<u32, u64> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= MANY && wrong.len() == wrong.capacity() || wrong.len() >= MOST {
            wrong.retain(|_, one| now < one.paused_until.max(one.last + MEMORY));
        }
        let concerned = concerned(from, name);
        let waits = concerned.iter().filter_map(|what| {
            let until = wrong.get(what)?.paused_until;
            until.checked_sub(now).filter(|wait| !wait.is_zero())
        });
        if let Some(wait) = waits.max() {
            return Err(wait
                .as_millis()
                .div_ceil(1000)
                .try_into()
                .unwrap_or(u64::MAX));
        }
        let mut left = u32::MAX;
        for what in concerned {
            let tries = what.tries();
            if wrong.len() >= MOST && !wrong.contains_key(&what) {
                continue;
            }
            let one = wrong.entry(what).or_insert(Wrong {
                count: 0,
                last: now,
                paused_until: now,
            });
            if now.saturating_sub(one.last.max(one.paused_until)) >= MEMORY {
                one.count = 0;
            }
            one.count += 1;
            one.last = now;
            if one.count >= tries {
                let pauses = (one.count - tries).min(8);
                one.paused_until = now + (FIRST_PAUSE * 2_u32.pow(pauses)).min(LONGEST_PAUSE);
            }
            left = left.min(tries.saturating_sub(one.count));
        }
        Ok(left)
    }

    /// What was tried was right.
    pub fn forgive(&self, from: Option<IpAddr>, name: &str) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        for what in concerned(from, name) {
            if let What::Both(..) = what {
                wrong.remove(&what);
            } else if let Some(one) = wrong.get_mut(&what) {
                // The others who share it have not shown anything.
                one.count = one.count.saturating_sub(1);
                one.paused_until = one.last.min(one.paused_until);
            }
        }
    }
}

fn concerned(from: Option<IpAddr>, name: &str) -> Vec<What> {
    let name: Name = Sha256::digest(name).into();
    let mut concerned = vec![What::Name(name)];
    if let Some(from) = from {
        concerned.push(What::Address(from));
        concerned.push(What::Both(from, name));
    }
    concerned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn from(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    #[test]
    fn pauses_grow_and_end() {
        let throttle = Throttle::default();
        for left in [4, 3, 2, 1, 0] {
            assert_eq!(throttle.admit(from(1), "ada", seconds(0)), Ok(left));
        }
        assert_eq!(throttle.admit(from(1), "ada", seconds(1)), Err(59));
        assert_eq!(
            throttle.admit(from(2), "ada", seconds(1)),
            Ok(4),
            "elsewhere"
        );
        assert_eq!(
            throttle.admit(from(1), "bob", seconds(1)),
            Ok(4),
            "somebody else"
        );
        assert_eq!(throttle.admit(from(1), "ada", seconds(60)), Ok(0));
        assert_eq!(throttle.admit(from(1), "ada", seconds(61)), Err(119));
        throttle.forgive(from(1), "ada");
        assert_eq!(throttle.admit(from(1), "ada", seconds(61)), Ok(4));
        assert_eq!(
            throttle.admit(from(1), "ada", seconds(8000)),
            Ok(4),
            "long ago"
        );
    }

    #[test]
    fn many_names_from_one_address_and_many_addresses_for_one_name_pause_too() {
        let throttle = Throttle::default();
        for name in 0..30 {
            throttle
                .admit(from(1), &name.to_string(), seconds(0))
                .unwrap();
        }
        assert!(throttle.admit(from(1), "another", seconds(0)).is_err());
        let throttle = Throttle::default();
        for address in 0..30 {
            throttle.admit(from(address), "ada", seconds(0)).unwrap();
        }
        assert!(throttle.admit(from(99), "ada", seconds(0)).is_err());
        assert!(throttle.admit(from(99), "ada", seconds(60)).is_ok());
    }

    #[test]
    fn what_is_over_takes_no_memory() {
        let throttle = Throttle::default();
        for name in 0..200_000_u64 {
            let _ = throttle.admit(None, &name.to_string(), seconds(name));
        }
        assert!(throttle.wrong.lock().unwrap().len() < 20 * MANY);
    }
}
