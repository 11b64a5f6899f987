//! How often somebody may ask: a bucket of tokens for each address and for each signing key.
//! Invariant: a key is charged only for statements that it really signed, so nobody can use up
//! the tokens of another; an unknown name has a full bucket.
//! Limits: 65,536 names at once; past it, those with full buckets are forgotten first.
//! And how many connections an address has open: no more names than connections.

use std::{
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use foldhash::HashMap;

/// Names that are remembered.
const NAMES_MAX: usize = 65_536;

/// A rate, and how much of it may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that come back in a second; 0 means no limit at all.
    pub per_second: u32,
    /// Tokens of a full bucket.
    pub burst: u32,
}

impl Rate {
    /// No limit.
    pub const NONE: Self = Self { per_second: 0, burst: 0 };
}

/// Buckets by name. A bucket is the moment at which it will be full again.
#[derive(Debug)]
pub struct Buckets<N> {
    rate: Rate,
    start: Instant,
    full_at: Mutex<HashMap<N, Duration>>,
}

impl<N: Hash + Eq> Buckets<N> {
    /// All full.
    pub fn new(rate: Rate) -> Self {
        Self { rate, start: Instant::now(), full_at: Mutex::default() }
    }

    fn token(&self) -> Duration {
        Duration::from_secs(1) / self.rate.per_second.max(1)
    }

    /// Takes `cost` tokens, or says after how many seconds they will be there.
    pub fn take(&self, name: N, cost: u32) -> Result<(), u64> {
        self.take_at(name, cost, self.start.elapsed())
    }

    /// Whether a token is there; takes none.
    pub fn has(&self, name: &N) -> Result<(), u64> {
        if self.rate.per_second == 0 {
            return Ok(());
        }
        let now = self.start.elapsed();
        let full_at = *self.full_at.lock().unwrap_or_else(PoisonError::into_inner).get(name).unwrap_or(&now);
        self.wait(full_at.max(now) + self.token(), now)
    }

    fn wait(&self, full_at: Duration, now: Duration) -> Result<(), u64> {
        let most = self.token() * self.rate.burst.max(1);
        match full_at.saturating_sub(now).checked_sub(most) {
            Some(over) if !over.is_zero() => Err(over.as_secs() + 1),
            _ => Ok(()),
        }
    }

    fn take_at(&self, name: N, cost: u32, now: Duration) -> Result<(), u64> {
        if self.rate.per_second == 0 {
            return Ok(());
        }
        // What costs more than a whole bucket is served when the bucket is full.
        let cost = cost.min(self.rate.burst.max(1));
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= NAMES_MAX && !buckets.contains_key(&name) {
            buckets.retain(|_, full_at| *full_at > now);
            if buckets.len() >= NAMES_MAX {
                return Err(1);
            }
        }
        let full_at = buckets.entry(name).or_insert(now);
        let after = (*full_at).max(now) + self.token() * cost;
        self.wait(after, now)?;
        *full_at = after;
        Ok(())
    }
}

/// The name under which an address is counted: a whole network of version 6 is one customer.
pub fn customer(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Open connections by address.
#[derive(Debug, Default)]
pub struct Places(Mutex<HashMap<IpAddr, usize>>);

/// A connection's place among those of its address; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    customer: IpAddr,
}

impl Places {
    /// One more place for this address, unless it has so many.
    pub fn take(self: &Arc<Self>, peer: IpAddr, most: usize) -> Option<Place> {
        let customer = customer(peer);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(&customer).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        open.insert(customer, count + 1);
        Some(Place { places: Arc::clone(self), customer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = open.get(&self.customer).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            open.remove(&self.customer);
        } else {
            open.insert(self.customer, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_places_and_one_that_is_given_back_can_be_had_again() {
        let places = Arc::<Places>::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let held: Vec<Place> = (0..2).filter_map(|_| places.take(address("192.0.2.1"), 2)).collect();

        assert_eq!(held.len(), 2);
        assert!(places.take(address("192.0.2.1"), 2).is_none(), "it has no third");
        assert!(places.take(address("::ffff:192.0.2.1"), 2).is_none(), "nor under another spelling");
        assert!(places.take(address("192.0.2.2"), 2).is_some(), "another address has its own");
        let _held = places.take(address("2001:db8:1:2::1"), 1).unwrap();
        assert!(places.take(address("2001:db8:1:2:ffff::9"), 1).is_none(), "a network is one");
        assert!(places.take(address("2001:db8:1:3::1"), 1).is_some());
        drop(held);
        assert!(places.take(address("192.0.2.1"), 2).is_some());
        assert_eq!(places.0.lock().unwrap().len(), 1, "who has no connection is forgotten");
    }

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let buckets = Buckets::new(Rate { per_second: 10, burst: 3 });
        let at = Duration::from_millis;

        assert!((0..3).all(|_| buckets.take_at("a", 1, at(0)).is_ok()));
        assert_eq!(buckets.take_at("a", 1, at(0)), Err(1), "the bucket is empty");
        assert_eq!(buckets.take_at("b", 1, at(0)), Ok(()), "another name has its own");
        assert_eq!(buckets.take_at("a", 1, at(100)), Ok(()), "a token has come back");
        assert_eq!(buckets.take_at("a", 1, at(100)), Err(1));
        assert_eq!(buckets.take_at("a", 300, at(400)), Ok(()), "what costs more waits for a full bucket");
        assert_eq!(buckets.take_at("a", 1, at(401)), Err(1));
    }

    #[test]
    fn a_look_takes_nothing_and_no_rate_means_no_limit() {
        let buckets = Buckets::new(Rate { per_second: 1, burst: 1 });
        assert!(buckets.has(&"a").is_ok() && buckets.has(&"a").is_ok());
        buckets.take("a", 1).unwrap();
        assert!(buckets.has(&"a").is_err());

        let free = Buckets::new(Rate::NONE);
        assert!((0..10_000).all(|_| free.take("a", 1_000).is_ok()));
    }
}
