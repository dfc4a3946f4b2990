//! Prints the table of recorded results. With `--write`, puts it into benches/results/README.md instead.

use orthrus_benches::results;

fn main() {
    match std::env::args().nth(1).as_deref() {
        None => print!("{}", results::table()),
        Some("--write") => results::write(),
        Some(other) => panic!("expected nothing or --write, not {other}"),
    }
}
