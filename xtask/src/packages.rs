//! Installs Debian's packages that the machine lacks.

use std::process::Command;

use crate::commands::{Result, find_program, output, run, say, typed};

/// Whether the machine has apt.
pub(crate) fn can_install() -> bool {
    find_program("apt-get").is_some()
}

/// Prints `missing` as the reason, and installs packages as root.
pub(crate) fn install(missing: &str, packages: &[&str]) -> Result<()> {
    say(format!("{missing}: installing {}", packages.join(", ")));
    for mut command in commands(packages)? {
        say(format!("== {}", typed(&command)));
        run(&mut command)?;
    }
    Ok(())
}

fn commands(packages: &[&str]) -> Result<[Command; 2]> {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut prefix = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    if !root {
        if find_program("sudo").is_none() {
            return Err(format!(
                "only root can install them, and there is no sudo. As root: apt-get update && apt-get install -y \
                 --no-install-recommends {}",
                packages.join(" ")
            ));
        }
        prefix.insert(0, "sudo");
    }
    let command = |arguments: &[&str]| {
        let mut command = Command::new(prefix[0]);
        command.args(&prefix[1..]).args(arguments);
        command
    };
    let install = [&["install", "-y", "--no-install-recommends"][..], packages].concat();
    Ok([command(&["update"]), command(&install)])
}
