//! Pauses after wrong passwords.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// How many wrong passwords one address may try for one name before a pause.
const FOR_A_NAME: u32 = 5;
/// How many for any names, and how many any addresses for one name: many people may sit behind one
/// address, and whoever has many addresses can keep a name from its password for as long as they try.
/// Whoever has shown their password in a browser before is counted by that browser alone, and so comes
/// in all the same; who is in stays in, and links and providers let people in.
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
    Known(Name),
}

impl What {
    fn tries(&self) -> u32 {
        match self {
            What::Both(..) | What::Known(_) => FOR_A_NAME,
            What::Address(_) | What::Name(_) => FOR_ALL,
        }
    }
}

/// What a try is counted by.
pub struct Counted(Vec<What>);

impl Counted {
    /// Somebody who types a name, wherever they are.
    pub fn by_name(from: Option<IpAddr>, name: &str) -> Counted {
        let name: Name = Sha256::digest(name).into();
        let mut all = vec![What::Name(name)];
        if let Some(from) = from {
            all.push(What::Address(from));
            all.push(What::Both(from, name));
        }
        Counted(all)
    }

    /// Somebody who is known already, by their browser or their session, and by nothing else: nobody
    /// else can use up their tries.
    pub fn known(by: &str) -> Counted {
        Counted(vec![What::Known(Sha256::digest(by).into())])
    }
}

struct Wrong {
    count: u32,
    last: Duration,
    paused_until: Duration,
}

impl Wrong {
    /// As if the last try had not been.
    fn take_back(&mut self) {
        self.count = self.count.saturating_sub(1);
        self.paused_until = self.last.min(self.paused_until);
    }
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
    pub fn admit(&self, counted: &Counted, now: Duration) -> Result<u32, u64> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= MANY && wrong.len() == wrong.capacity() || wrong.len() >= MOST {
            wrong.retain(|_, one| now < one.paused_until.max(one.last + MEMORY));
        }
        let waits = counted.0.iter().filter_map(|what| {
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
        for what in &counted.0 {
            let tries = what.tries();
            if wrong.len() >= MOST && !wrong.contains_key(what) {
                continue;
            }
            let one = wrong.entry(what.clone()).or_insert(Wrong {
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

    /// The last try was no guess, and does not count; what was guessed before it does.
    pub fn take_back(&self, counted: &Counted) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        for what in &counted.0 {
            if let Some(one) = wrong.get_mut(what) {
                one.take_back();
            }
        }
    }

    /// What was tried was right.
    pub fn forgive(&self, counted: &Counted) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        for what in &counted.0 {
            if let What::Both(..) | What::Known(_) = what {
                wrong.remove(what);
            } else if let Some(one) = wrong.get_mut(what) {
                // The others who share it have not shown anything.
                one.take_back();
            }
        }
    }
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

    fn typed(from: Option<IpAddr>, name: &str) -> Counted {
        Counted::by_name(from, name)
    }

    #[test]
    fn pauses_grow_and_end() {
        let throttle = Throttle::default();
        for left in [4, 3, 2, 1, 0] {
            assert_eq!(throttle.admit(&typed(from(1), "ada"), seconds(0)), Ok(left));
        }
        assert_eq!(throttle.admit(&typed(from(1), "ada"), seconds(1)), Err(59));
        assert_eq!(
            throttle.admit(&typed(from(2), "ada"), seconds(1)),
            Ok(4),
            "elsewhere"
        );
        assert_eq!(
            throttle.admit(&typed(from(1), "bob"), seconds(1)),
            Ok(4),
            "somebody else"
        );
        assert_eq!(throttle.admit(&typed(from(1), "ada"), seconds(60)), Ok(0));
        assert_eq!(
            throttle.admit(&typed(from(1), "ada"), seconds(61)),
            Err(119)
        );
        throttle.forgive(&typed(from(1), "ada"));
        assert_eq!(throttle.admit(&typed(from(1), "ada"), seconds(61)), Ok(4));
        assert_eq!(
            throttle.admit(&typed(from(1), "ada"), seconds(8000)),
            Ok(4),
            "long ago"
        );
    }

    #[test]
    fn many_names_from_one_address_and_many_addresses_for_one_name_pause_too() {
        let throttle = Throttle::default();
        for name in 0..30 {
            throttle
                .admit(&typed(from(1), &name.to_string()), seconds(0))
                .unwrap();
        }
        assert!(
            throttle
                .admit(&typed(from(1), "another"), seconds(0))
                .is_err()
        );
        let throttle = Throttle::default();
        for address in 0..30 {
            throttle
                .admit(&typed(from(address), "ada"), seconds(0))
                .unwrap();
        }
        assert!(throttle.admit(&typed(from(99), "ada"), seconds(0)).is_err());
        assert!(throttle.admit(&typed(from(99), "ada"), seconds(60)).is_ok());
    }

    #[test]
    fn whoever_is_known_is_counted_alone() {
        let throttle = Throttle::default();
        for address in 0..30 {
            throttle
                .admit(&typed(from(address), "ada"), seconds(0))
                .unwrap();
        }
        let known = Counted::known("the browser of ada");
        for left in [4, 3, 2, 1, 0] {
            assert_eq!(throttle.admit(&known, seconds(1)), Ok(left));
        }
        assert_eq!(throttle.admit(&known, seconds(1)), Err(60));
        let another = Counted::known("another");
        assert_eq!(throttle.admit(&another, seconds(1)), Ok(4));
        throttle.forgive(&known);
        assert_eq!(throttle.admit(&known, seconds(2)), Ok(4));
    }

    #[test]
    fn what_is_over_takes_no_memory() {
        let throttle = Throttle::default();
        for name in 0..200_000_u64 {
            let _ = throttle.admit(&typed(None, &name.to_string()), seconds(name));
        }
        assert!(throttle.wrong.lock().unwrap().len() < 20 * MANY);
    }
}
