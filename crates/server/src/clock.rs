//! Where time comes from: one clock, watched against the monotonic one.
//! Invariant: a stamp is never smaller than the one before; past a step of more than five minutes
//! there are no stamps until two admins have put the step on the log (DESIGN §3 "Time").

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Largest difference between wall and monotonic clock, in milliseconds, that is not a step.
pub const STEP_MS_MAX: i64 = 300_000;

/// A clock that runs fast or slow by less than one part in so many is followed.
const DRIFT: u64 = 1_000;

/// Two clocks.
pub trait Clock: Send + Sync {
    /// Wall clock, Unix milliseconds.
    fn wall_ms(&self) -> u64;
    /// A clock that nobody sets, from any start.
    fn monotonic(&self) -> Duration;
}

/// The system's clocks.
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Stamps entries.
pub struct Stamper {
    clock: Arc<dyn Clock>,
    wall_ms: u64,
    monotonic: Duration,
    last_ms: u64,
    /// How far the wall clock may stand before the last stamp, because a step on the log says so.
    behind_ms: u64,
    step_ms: Option<i64>,
}

impl Stamper {
    /// Goes on after an entry recorded at `last_ms` (0 if there is none). A clock that stands more
    /// than five minutes before that entry has stepped.
    pub fn new(clock: Arc<dyn Clock>, last_ms: u64) -> Self {
        let (wall_ms, monotonic) = (clock.wall_ms(), clock.monotonic());
        let behind = difference(wall_ms, last_ms);
        let step_ms = (behind < -STEP_MS_MAX).then_some(behind);
        Self { clock, wall_ms, monotonic, last_ms, behind_ms: 0, step_ms }
    }

    /// The next stamp, and the step in milliseconds if the clock has stepped: then only
    /// `clock.stepped` may be recorded, with this stamp.
    pub fn stamp(&mut self) -> (u64, Option<i64>) {
        let (wall_ms, monotonic) = (self.clock.wall_ms(), self.clock.monotonic());
        let passed = u64::try_from(monotonic.saturating_sub(self.monotonic).as_millis()).unwrap_or(u64::MAX);
        let off = difference(wall_ms, self.wall_ms.saturating_add(passed));
        if self.step_ms.is_none() {
            self.step_ms = self.step_of(off, wall_ms);
        }
        if self.step_ms.is_none() {
            // A clock that runs a little fast or slow is followed, so that drift never adds up to a
            // step; what goes beyond that stays on the account, so that small settings do.
            let most = i64::try_from(passed / DRIFT).unwrap_or(i64::MAX);
            let expected = self.wall_ms.saturating_add(passed);
            self.wall_ms = expected.saturating_add_signed(off.clamp(-most, most));
            self.monotonic += Duration::from_millis(passed);
            self.last_ms = self.last_ms.max(wall_ms);
            self.behind_ms = self.behind_ms.min(self.last_ms - wall_ms);
        }
        (self.last_ms, self.step_ms)
    }

    /// The step, if the clock is too far off the monotonic one, or too far before the last stamp.
    fn step_of(&self, off: i64, wall_ms: u64) -> Option<i64> {
        let allowed = i64::try_from(self.behind_ms).unwrap_or(i64::MAX).saturating_add(STEP_MS_MAX);
        let ahead = difference(wall_ms, self.last_ms);
        if off.abs() > STEP_MS_MAX { Some(off) } else { (ahead < -allowed).then_some(ahead) }
    }

    /// The step that stops the stamps, in milliseconds, if one was seen and is not on the log yet.
    pub fn step(&self) -> Option<i64> {
        self.step_ms
    }

    /// The stamp of the entry that records a step: by the clock as it stands now.
    pub fn stepped_stamp(&self) -> u64 {
        self.last_ms.max(self.clock.wall_ms())
    }

    /// The step is on the log: the wall clock counts again, from now.
    pub fn accept_step(&mut self) {
        (self.wall_ms, self.monotonic) = (self.clock.wall_ms(), self.clock.monotonic());
        self.last_ms = self.last_ms.max(self.wall_ms);
        self.behind_ms = self.last_ms - self.wall_ms;
        self.step_ms = None;
    }
}

fn difference(left: u64, right: u64) -> i64 {
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    signed(left).saturating_sub(signed(right))
}

/// A clock that tests set.
pub struct TestClock {
    state: std::sync::Mutex<(u64, Duration)>,
}

impl TestClock {
    /// Stands at this wall time.
    pub fn at(wall_ms: u64) -> Self {
        Self { state: std::sync::Mutex::new((wall_ms, Duration::ZERO)) }
    }

    /// Time passes on both clocks.
    pub fn pass(&self, milliseconds: u64) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.0 += milliseconds;
        state.1 += Duration::from_millis(milliseconds);
    }

    /// Somebody sets the wall clock.
    pub fn set_wall(&self, wall_ms: u64) {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0 = wall_ms;
    }
}

impl Clock for TestClock {
    fn wall_ms(&self) -> u64 {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Duration {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_795_413_903_000;

    fn at_noon(last_ms: u64) -> (Arc<TestClock>, Stamper) {
        let clock = Arc::new(TestClock::at(NOON));
        let stamper = Stamper::new(Arc::<TestClock>::clone(&clock), last_ms);
        (clock, stamper)
    }

    #[test]
    fn a_clock_set_back_a_little_never_takes_a_stamp_back() {
        let (clock, mut stamper) = at_noon(0);
        assert_eq!(stamper.stamp(), (NOON, None));

        clock.set_wall(NOON - 4_000);

        assert_eq!(stamper.stamp(), (NOON, None));
    }

    #[test]
    fn a_step_of_more_than_five_minutes_either_way_stops_the_stamps_until_it_is_recorded() {
        for wall in [NOON - 3_600_000, NOON + 10 * 365 * 86_400_000] {
            let (clock, mut stamper) = at_noon(NOON - 5);
            clock.set_wall(wall);

            let step = difference(wall, NOON);
            assert_eq!(stamper.stamp(), (NOON - 5, Some(step)));
            clock.pass(1_000);
            assert_eq!(stamper.stamp(), (NOON - 5, Some(step)), "time alone heals nothing");

            assert_eq!(stamper.stepped_stamp(), (wall + 1_000).max(NOON - 5));
            stamper.accept_step();
            assert_eq!(stamper.stamp(), ((wall + 1_000).max(NOON - 5), None));
        }
    }

    #[test]
    fn many_small_settings_add_up_to_a_step_and_slow_drift_does_not() {
        for setting in [-240_000_i64, 240_000] {
            let (clock, mut stamper) = at_noon(0);
            let mut steps = (0..2).filter_map(|_| {
                clock.set_wall(clock.wall_ms().checked_add_signed(setting).unwrap());
                stamper.stamp().1
            });
            assert_eq!((steps.next(), steps.next()), (Some(2 * setting), None));
        }

        let (clock, mut stamper) = at_noon(0);
        for _ in 0..10_000 {
            // 500 parts in a million slow: over five days 3.6 minutes, over ten more than seven.
            clock.pass(100_000);
            clock.set_wall(clock.wall_ms() - 50);
            assert_eq!(stamper.stamp().1, None);
        }
    }

    #[test]
    fn no_stamp_lies_more_than_five_minutes_ahead_of_the_clock_unless_a_step_says_so() {
        let (clock, mut stamper) = at_noon(0);
        clock.set_wall(NOON + 240_000);
        assert_eq!(stamper.stamp(), (NOON + 240_000, None));
        clock.set_wall(NOON - 240_000);
        assert_eq!(stamper.stamp(), (NOON + 240_000, Some(-480_000)));

        stamper.accept_step();
        assert_eq!(stamper.stamp(), (NOON + 240_000, None), "the step is on the log");
        clock.pass(479_000);
        assert_eq!(stamper.stamp(), (NOON + 240_000, None));
        clock.set_wall(NOON - 180_000);
        assert_eq!(stamper.stamp().1, Some(-419_000), "what was allowed is used up as the wall catches up");
    }

    #[test]
    fn a_clock_behind_the_last_entry_at_start_has_stepped() {
        let (_, mut stamper) = at_noon(NOON + 300_001);
        assert_eq!(stamper.stamp(), (NOON + 300_001, Some(-300_001)));

        let (_, mut stamper) = at_noon(NOON + 300_000);
        assert_eq!(stamper.stamp(), (NOON + 300_000, None));
    }
}
