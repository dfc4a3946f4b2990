//! `strftime_now`: the function with which chat templates write the date.

/// The current time in UTC, in a format of `strftime`.
///
/// The standard library knows no time zones, hence UTC.
///
/// # Errors
/// The clock is before 1970, or a directive of the format is unknown.
pub(super) fn strftime_now(format: &str) -> Result<String, String> {
    strftime(seconds_since_1970().ok_or("strftime_now: the clock stands before 1970")?, format)
}

#[cfg(not(target_arch = "wasm32"))]
fn seconds_since_1970() -> Option<u64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.ok().map(|now| now.as_secs())
}

// The standard library has no clock on this target. The browser has one.
#[cfg(target_arch = "wasm32")]
fn seconds_since_1970() -> Option<u64> {
    let seconds = js_sys::Date::now() / 1000.0;
    (seconds >= 0.0).then_some(seconds as u64)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// `strftime` of the seconds since 1970 in UTC, in the C locale.
fn strftime(seconds: u64, format: &str) -> Result<String, String> {
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    let (month_name, day_name) = (MONTHS[month as usize - 1], DAYS[(days % 7) as usize]);
    let hour12 = (hour + 11) % 12 + 1;
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut directive = chars.next();
        let padded = directive != Some('-');
        if !padded {
            directive = chars.next();
        }
        let number = |n: u64, width: usize| if padded { format!("{n:0width$}") } else { n.to_string() };
        out.push_str(&match directive {
            Some('Y') => year.to_string(),
            Some('y') => number(year % 100, 2),
            Some('m') => number(month, 2),
            Some('B') => month_name.to_owned(),
            Some('b' | 'h') => month_name[..3].to_owned(),
            Some('d') => number(day, 2),
            Some('e') => format!("{day:2}"),
            Some('j') => number(day_of_year(days, year), 3),
            Some('A') => day_name.to_owned(),
            Some('a') => day_name[..3].to_owned(),
            Some('H') => number(hour, 2),
            Some('I') => number(hour12, 2),
            Some('M') => number(minute, 2),
            Some('S') => number(second, 2),
            Some('p') => {
                if hour < 12 {
                    "AM".into()
                } else {
                    "PM".into()
                }
            }
            Some('F') => format!("{year}-{month:02}-{day:02}"),
            Some('T') => format!("{hour:02}:{minute:02}:{second:02}"),
            Some('Z') => "UTC".into(),
            Some('z') => "+0000".into(),
            Some('%') => "%".into(),
            other => {
                let found = other.map(String::from).unwrap_or_default();
                return Err(format!("strftime_now: %{found} is not supported (in {format:?})"));
            }
        });
    }
    Ok(out)
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// This is H. Hinnant's `civil_from_days`. Its years begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

/// The day of the year. The first of January is 1.
fn day_of_year(days: u64, year: u64) -> u64 {
    let before = year - 1970;
    let leap_days = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 - 477;
    days - (before * 365 + leap_days) + 1
}

#[cfg(test)]
mod tests {
    use super::strftime;

    /// The expected texts are those of Python's `datetime.fromtimestamp(t, timezone.utc).strftime(...)`.
    #[test]
    fn dates_are_written_as_python_writes_them() {
        for (seconds, expected) in [
            (0, "1970-01-01 70 January Jan 001 Thursday Thu 00:00:00 12 AM 1 1"),
            (951_827_696, "2000-02-29 00 February Feb 060 Tuesday Tue 12:34:56 12 PM 29 2"),
            (1_735_689_599, "2024-12-31 24 December Dec 366 Tuesday Tue 23:59:59 11 PM 31 12"),
            (4_107_542_400, "2100-03-01 00 March Mar 060 Monday Mon 00:00:00 12 AM 1 3"),
        ] {
            let format = "%Y-%m-%d %y %B %b %j %A %a %H:%M:%S %I %p %-d %-m";
            assert_eq!(strftime(seconds, format).as_deref(), Ok(expected));
        }
        assert_eq!(strftime(0, "100%%").as_deref(), Ok("100%"));
        assert!(strftime(0, "%Q").is_err_and(|error| error.contains("%Q")));
        assert!(strftime(0, "%").is_err());
    }
}
