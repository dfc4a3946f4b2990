//! The date of a run.

use std::time::{SystemTime, UNIX_EPOCH};

/// The current time in UTC, such as `2000-02-29 12:34 UTC`.
pub(crate) fn utc_now() -> String {
    utc(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

fn utc(seconds_since_1970: u64) -> String {
    let (days, second_of_day) = (seconds_since_1970 / 86_400, seconds_since_1970 % 86_400);
    let (year, month, day) = civil_from_days(days);
    let (hour, minute) = (second_of_day / 3600, second_of_day / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// The Gregorian year, month and day of a day counted from 1970-01-01.
///
/// The calculation starts its years in March, so that a leap day is the last day of its year. A cycle of 400 years has
/// 146,097 days.
fn civil_from_days(days_since_1970: u64) -> (u64, u64, u64) {
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    let days = days_since_1970 + 719_468;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let leap_days = day_of_cycle / 1460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // Five months from March on have 153 days together.
    let months_after_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_after_march + 2) / 5 + 1;
    let (month, next_year) =
        if months_after_march < 10 { (months_after_march + 3, 0) } else { (months_after_march - 9, 1) };
    (400 * cycle + year_of_cycle + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, date) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_827_696, "2000-02-29 12:34 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(utc(seconds), date);
        }
    }
}
