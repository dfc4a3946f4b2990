//! The table of recorded results in README.md is the one that the program prints.

use orthrus_benches::results;

#[test]
fn the_table_in_the_readme_is_what_the_program_prints() {
    let table = results::table();
    assert!(
        results::table_in_readme() == table,
        "out of date: cargo run -p orthrus-benches --bin results_table -- --write"
    );
    assert!(table.lines().count() > 2, "no records");
}
