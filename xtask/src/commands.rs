//! Runs other programs, and prints lines.

use std::env;
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A result whose error is a message for the person at the terminal.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Writes a line to stdout. A closed stdout is not an error.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes a line to stderr. A closed stderr is not an error.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The repository's root: the folder above this package, or else the current folder.
///
/// The path is read at run time. A clone that was moved or copied with its `target` folder then builds itself, not the
/// clone that it came from.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        // `cargo run` sets the variable.
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let parent = package.as_deref().and_then(Path::parent).map(Path::to_path_buf);
        parent.or_else(|| env::current_dir().ok()).unwrap_or_default()
    })
}

/// The folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from))
}

/// The path of a program of the workspace. `profile` is the name of cargo's folder: `debug` or `release`.
pub(crate) fn built(profile: &str, program: &str) -> PathBuf {
    target().join(profile).join(format!("{program}{}", env::consts::EXE_SUFFIX))
}

/// A cargo command in the repository's root, by the cargo that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    command
}

/// A command as a person would type it.
pub(crate) fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_stem().unwrap_or(program.as_os_str()).to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    let quoted = words.into_iter().map(|word| match word.contains(' ') {
        true => format!("{word:?}"),
        false => word.into_owned(),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Runs a command whose output goes to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("`{}` did not start: {error}", typed(command)))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", typed(command))) }
}

/// Runs a command and returns its stdout. Its stderr is part of the error if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{}` did not start: {error}", typed(command)))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{}` failed ({})\n{}", typed(command), output.status, reason.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a command starts and succeeds. Its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The path of a program that is on `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // `name.exe` on Windows; `npm.cmd` says what it is.
    let file_name =
        if name.contains('.') { name.to_string() } else { format!("{name}{}", env::consts::EXE_SUFFIX) };
    env::split_paths(&path).map(|folder| folder.join(&file_name)).find(|file| file.is_file())
}
