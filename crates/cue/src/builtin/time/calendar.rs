//! Days of the Gregorian calendar, before its time as after, and clocks without leap seconds.
//!
//! Source of the algorithms: Howard Hinnant, *chrono-Compatible Low-Level Date Algorithms*.

const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time, and the zone it was written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Since 1970, in UTC.
    pub(super) seconds: i64,
    /// Below a second.
    pub(super) nanoseconds: u32,
    /// How far the zone's clock is ahead of UTC (seconds).
    pub(super) offset: i32,
}

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: u32,
    pub(super) day: u32,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
}

impl Moment {
    /// The moment at which a zone's clock shows this.
    pub(super) fn new(civil: Civil, clock: Clock, nanoseconds: u32, offset: i32) -> Self {
        let clock = i64::from(clock.hour * 3600 + clock.minute * 60 + clock.second);
        let seconds = civil.days() * SECONDS_PER_DAY + clock - i64::from(offset);
        Self { seconds, nanoseconds, offset }
    }

    pub(super) fn in_utc(&self) -> Self {
        Self { offset: 0, ..*self }
    }

    /// Seconds of the zone's clock since 1970.
    fn local_seconds(&self) -> i64 {
        self.seconds.saturating_add(i64::from(self.offset))
    }

    pub(super) fn civil(&self) -> Civil {
        Civil::of_days(self.local_seconds().div_euclid(SECONDS_PER_DAY))
    }

    pub(super) fn clock(&self) -> Clock {
        let second = self.local_seconds().rem_euclid(SECONDS_PER_DAY) as u32;
        Clock { hour: second / 3600, minute: second / 60 % 60, second: second % 60 }
    }

    /// 0 is Sunday.
    pub(super) fn weekday(&self) -> usize {
        // The first of January 1970 was a Thursday.
        (self.local_seconds().div_euclid(SECONDS_PER_DAY) + 4).rem_euclid(7) as usize
    }

    /// 1 is the first of January.
    pub(super) fn day_of_year(&self) -> i64 {
        let civil = self.civil();
        civil.days() - Civil { month: 1, day: 1, ..civil }.days() + 1
    }
}

impl Civil {
    /// Days since the first of January 1970.
    fn days(self) -> i64 {
        // Years start in March, so that the leap day is their last; eras are of 400 of them.
        let year = self.year - i64::from(self.month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    fn of_days(days: i64) -> Self {
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * month + 2) / 5 + 1) as u32;
        let month = if month < 10 { month + 3 } else { month - 9 } as u32;
        Self { year: year_of_era + era * 400 + i64::from(month <= 2), month, day }
    }

    /// The day of a year's so-maniest day; none if the year hasn't so many.
    pub(super) fn of_day_of_year(year: i64, day: i64) -> Option<Self> {
        let first = Self { year, month: 1, day: 1 };
        let found = Self::of_days(first.days() + day - 1);
        (day >= 1 && found.year == year).then_some(found)
    }
}

/// How many days a month has.
pub(super) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}
