//! The newest Mesa software driver, in a folder of its own.
//!
//! The driver of a stable distribution may be too old for tier `coop`. Debian's newest packages are unpacked into a
//! folder, the C library among them, and programs run with the libraries of that folder. Nothing is installed on the
//! machine, and root is not needed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{Result, find_program, output, run, say, target};
use crate::packages;

const PACKAGES: [&str; 2] = ["mesa-vulkan-drivers", "libvulkan1"];

/// Debian's suites with a new Mesa. The first may be in the middle of a change; the second then serves.
const SUITES: [&str; 2] = ["unstable", "testing"];

/// The keys that packages are checked with.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Mesa's software driver, unpacked.
pub(crate) struct Mesa {
    /// The dynamic linker, which starts programs with the libraries beside it.
    linker: PathBuf,
    driver: PathBuf,
    shaders: PathBuf,
}

impl Mesa {
    /// The driver that an earlier run unpacked, or a new one. Remove the folder `target/mesa` for a newer one.
    pub(crate) fn ensure() -> Result<Mesa> {
        let folder = target().join("mesa");
        if let Some(mesa) = Mesa::find(&folder) {
            return Ok(mesa);
        }
        if !cfg!(target_os = "linux") {
            return Err("Mesa's software driver needs Linux".to_string());
        }
        if find_program("apt-get").is_none() || find_program("dpkg-deb").is_none() {
            return Err("the newest Mesa comes as Debian's packages, and there is no apt-get".to_string());
        }
        if !Path::new(KEYS).exists() {
            packages::install(&format!("there is no {KEYS}"), &["debian-archive-keyring"])?;
        }
        let repository = repository()?;
        let mut reasons = Vec::new();
        for suite in SUITES {
            say(format!("Unpacking Mesa's software driver of Debian {suite} into {}", folder.display()));
            match unpack(&repository, suite, &folder) {
                Ok(()) => match Mesa::find(&folder) {
                    Some(mesa) => return Ok(mesa),
                    None => reasons.push(format!("{suite}: the packages hold no software driver")),
                },
                Err(reason) => reasons.push(format!("{suite}: {reason}")),
            }
        }
        Err(format!("the newest Mesa could not be had from {repository} ({})", reasons.join("; ")))
    }

    fn find(folder: &Path) -> Option<Mesa> {
        let root = folder.join("root/usr");
        let libraries = root.join("lib").join(format!("{}-linux-gnu", env::consts::ARCH));
        let linker = named(&libraries, "ld-linux", "")?;
        let driver = named(&root.join("share/vulkan/icd.d"), "lvp_icd", ".json")?;
        Some(Mesa { linker, driver, shaders: folder.join("shaders") })
    }

    /// A command that runs `program` on this driver.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(&self.linker);
        command.arg("--library-path").arg(self.linker.parent().unwrap_or(&self.linker)).arg(program);
        command.env("VK_DRIVER_FILES", &self.driver).env("MESA_SHADER_CACHE_DIR", &self.shaders);
        // Layers of the machine's own Mesa do not fit this one.
        command.env("VK_LOADER_LAYERS_DISABLE", "~all~").env("NODEVICE_SELECT", "1");
        for variable in ["VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES", "LD_LIBRARY_PATH", "LD_PRELOAD"] {
            command.env_remove(variable);
        }
        command
    }
}

/// The file of a folder whose name begins and ends so.
fn named(folder: &Path, start: &str, end: &str) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let is_wanted = |file: &PathBuf| {
        file.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.starts_with(start) && name.ends_with(end)
        })
    };
    files.into_iter().find(is_wanted)
}

/// The repository that this machine has its packages from. It has the newer suites too, if it is Debian's.
fn repository() -> Result<String> {
    let list = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"];
    let listed = output(Command::new("apt-get").args(list))?;
    let main = listed.lines().find(|uri| !uri.contains("security"));
    main.map(str::to_string).ok_or("apt-get knows no repository: run apt-get update first".to_string())
}

/// Downloads the packages of a suite, with all that they depend on, and unpacks them into `folder/root`.
fn unpack(repository: &str, suite: &str, folder: &Path) -> Result<()> {
    let new = folder.join("new");
    let fail = |what: &Path, error: std::io::Error| format!("{}: {error}", what.display());
    if new.exists() {
        fs::remove_dir_all(&new).map_err(|error| fail(&new, error))?;
    }
    for part in ["state/lists/partial", "cache/archives/partial", "root"] {
        let part = new.join(part);
        fs::create_dir_all(&part).map_err(|error| fail(&part, error))?;
    }
    // Apt is told that no package is installed, so that it brings all of them.
    for (file, text) in [
        ("status", String::new()),
        ("sources.list", format!("deb [signed-by={KEYS}] {repository} {suite} main\n")),
    ] {
        let file = new.join(file);
        fs::write(&file, text).map_err(|error| fail(&file, error))?;
    }
    output(&mut apt(&new, &["update"]))?;
    let install = ["install", "-y", "--download-only", "--no-install-recommends"];
    output(&mut apt(&new, &[&install[..], &PACKAGES].concat()))?;
    let archives = new.join("cache/archives");
    let root = new.join("root");
    for entry in fs::read_dir(&archives).map_err(|error| fail(&archives, error))?.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg-deb").arg("--extract").args([&entry.path(), &root]))?;
        }
    }
    // The folder gets its name once it is whole.
    let whole = folder.join("root");
    if whole.exists() {
        fs::remove_dir_all(&whole).map_err(|error| fail(&whole, error))?;
    }
    fs::rename(&root, &whole).map_err(|error| fail(&whole, error))?;
    fs::remove_dir_all(&new).map_err(|error| fail(&new, error))
}

/// An `apt-get` whose lists, archives and sources are in `folder`. The machine's proxies hold.
fn apt(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    let at = |option: &str, path: &str| format!("{option}={}", folder.join(path).display());
    for option in [
        at("Dir::State", "state"),
        at("Dir::State::status", "status"),
        at("Dir::State::extended_states", "extended_states"),
        at("Dir::Cache", "cache"),
        at("Dir::Cache::archives", "cache/archives"),
        at("Dir::Etc::sourcelist", "sources.list"),
        at("Dir::Etc::sourceparts", "none"),
        at("Dir::Etc::preferences", "none"),
        at("Dir::Etc::preferencesparts", "none"),
        // The user that apt downloads as may not reach the folder.
        "APT::Sandbox::User=root".to_string(),
        "Acquire::Languages=none".to_string(),
        "Acquire::Retries=3".to_string(),
        "APT::Update::Error-Mode=any".to_string(),
    ] {
        command.args(["-o", &option]);
    }
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}
