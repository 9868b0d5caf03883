//! The clocks: events have the kernel's time since boot, people that of the wall.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};
use trapline_sensors::ecs::Clock;

/// What a time since boot is on the wall now.
pub fn now() -> Clock {
    let before = nanoseconds(clock_gettime(ClockId::Boottime));
    let read_ns = nanoseconds(clock_gettime(ClockId::Realtime));
    Clock {
        offset_ns: read_ns.saturating_sub(before),
        read_ns,
    }
}

fn nanoseconds(time: Timespec) -> i64 {
    let seconds = time.tv_sec.saturating_mul(1_000_000_000);
    seconds.saturating_add(time.tv_nsec)
}

/// `CLOCK_BOOTTIME` in nanoseconds.
pub fn since_boot_ns() -> u64 {
    u64::try_from(nanoseconds(clock_gettime(ClockId::Boottime))).unwrap_or(0)
}

/// What we have spent of the processors' time so far.
pub fn own_cpu() -> Duration {
    let spent = nanoseconds(clock_gettime(ClockId::ProcessCPUTime));
    Duration::from_nanos(u64::try_from(spent).unwrap_or(0))
}

/// The time of the day in UTC, to the millisecond: `23:59:59.999`.
pub fn of_day(clock: Clock, boottime_ns: u64) -> String {
    let boottime = i64::try_from(boottime_ns).unwrap_or(i64::MAX);
    let wall_ms = boottime
        .saturating_add(clock.offset_ns)
        .div_euclid(1_000_000);
    let (seconds, ms) = (wall_ms.div_euclid(1000), wall_ms.rem_euclid(1000));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{ms:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_day_is_that_of_the_wall() {
        let clock = Clock {
            offset_ns: 86_400 * 20_000 * 1_000_000_000,
            read_ns: 0,
        };
        assert_eq!(of_day(clock, 3_723_004_999_999), "01:02:03.004");
        assert_eq!(of_day(Clock::default(), 86_400_000_000_000), "00:00:00.000");
    }

    #[test]
    fn the_wall_is_after_the_boot() {
        let clock = now();
        assert!(clock.offset_ns > 0 && clock.read_ns > clock.offset_ns);
    }
}
