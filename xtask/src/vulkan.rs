//! Makes sure that there is a Vulkan driver. A software driver will do.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{Result, output};
use crate::{json, packages};

/// Mesa's drivers, with its software driver, and the library through which programs find drivers.
const PACKAGES: [&str; 2] = ["mesa-vulkan-drivers", "libvulkan1"];

const LOADER: &str = "libvulkan.so.1";

/// Folders of driver manifests, besides those that the environment names.
const MANIFESTS: [&str; 5] = [
    "/usr/share/vulkan/icd.d",
    "/etc/vulkan/icd.d",
    "/usr/local/share/vulkan/icd.d",
    "/usr/local/nvidia/share/vulkan/icd.d",
    "/run/opengl-driver/share/vulkan/icd.d",
];

/// Finds a Vulkan driver, or installs one on Debian-like systems. macOS has Metal and Windows DX12.
pub(crate) fn ensure() -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let Some(missing) = missing() else { return Ok(()) };
    if !packages::can_install() {
        return Err(format!(
            "{missing}. Install your GPU's Vulkan driver, or Mesa's software driver: \
             `dnf install mesa-vulkan-drivers vulkan-loader` (Fedora), \
             `pacman -S vulkan-swrast vulkan-icd-loader` (Arch), \
             `apk add mesa-vulkan-swrast vulkan-loader` (Alpine)"
        ));
    }
    packages::install(&missing, &PACKAGES).map_err(|reason| {
        format!("{reason}. Install a Vulkan driver yourself (packages {})", PACKAGES.join(" and "))
    })?;
    match self::missing() {
        None => Ok(()),
        Some(missing) => Err(format!("{missing}, even after installing {}", PACKAGES.join(" and "))),
    }
}

/// What is missing for Vulkan, if anything.
fn missing() -> Option<String> {
    let libraries = Libraries::find();
    if !libraries.have(LOADER) {
        return Some(format!("there is no Vulkan ({LOADER})"));
    }
    let driver = manifests().into_iter().any(|manifest| {
        fs::read_to_string(&manifest).is_ok_and(|text| {
            driver_library(&manifest, &text).is_some_and(|library| libraries.have(&library))
        })
    });
    if driver { None } else { Some("there is no Vulkan driver".to_string()) }
}

/// The drivers' manifests, which are JSON files that name a library.
fn manifests() -> Vec<PathBuf> {
    let list = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let split = |value: OsString| env::split_paths(&value).collect::<Vec<_>>();
    let places = match list("VK_DRIVER_FILES").or_else(|| list("VK_ICD_FILENAMES")) {
        Some(only) => split(only),
        None => {
            let mut places: Vec<PathBuf> = MANIFESTS.iter().map(PathBuf::from).collect();
            let home = env::home_dir().map(|home| home.join(".local/share"));
            places.extend(
                env::var_os("XDG_DATA_HOME").map(PathBuf::from).or(home).map(|d| d.join("vulkan/icd.d")),
            );
            places.extend(list("VK_ADD_DRIVER_FILES").map(split).unwrap_or_default());
            places
        }
    };
    let files = |place: PathBuf| match fs::read_dir(&place) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => vec![place],
    };
    let is_manifest = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "json");
    places.into_iter().flat_map(files).filter(is_manifest).collect()
}

/// The library that a driver's manifest names. It is a path, or the plain name of a library in the usual places.
fn driver_library(manifest: &Path, text: &str) -> Option<String> {
    let library = json::text(text, "library_path")?;
    if !library.contains('/') {
        return Some(library.to_string());
    }
    Some(manifest.parent()?.join(library).to_string_lossy().into_owned())
}

/// The shared libraries that programs find at run time.
struct Libraries {
    /// The output of `ldconfig -p`.
    listed: String,
    folders: Vec<PathBuf>,
}

impl Libraries {
    fn find() -> Libraries {
        let ldconfig = ["ldconfig", "/sbin/ldconfig"];
        let listed = ldconfig.iter().find_map(|program| output(Command::new(program).arg("-p")).ok());
        let machine = format!("{}-linux-gnu", env::consts::ARCH);
        let mut folders: Vec<PathBuf> = ["/usr/local/lib", "/usr/lib64", "/lib64", "/usr/lib", "/lib"]
            .iter()
            .flat_map(|folder| [PathBuf::from(folder), Path::new(folder).join(&machine)])
            .collect();
        folders.extend(
            env::var_os("LD_LIBRARY_PATH")
                .iter()
                .flat_map(|paths| env::split_paths(paths).collect::<Vec<_>>()),
        );
        Libraries { listed: listed.unwrap_or_default(), folders }
    }

    fn have(&self, library: &str) -> bool {
        if library.contains('/') {
            return Path::new(library).exists();
        }
        self.listed.lines().any(|line| line.split_whitespace().next() == Some(library))
            || self.folders.iter().any(|folder| folder.join(library).exists())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::driver_library;

    #[test]
    fn a_manifest_names_a_library() {
        let library = |path: &str| {
            let text = format!(
                "{{\n  \"ICD\": {{\n    \"api_version\": \"1.3\",\n    \"library_path\": \"{path}\"\n  }}\n}}"
            );
            driver_library(Path::new("/usr/share/vulkan/icd.d/x.json"), &text).unwrap()
        };
        assert_eq!(library("/usr/lib/libvulkan_lvp.so"), "/usr/lib/libvulkan_lvp.so");
        assert_eq!(library("libGLX_nvidia.so.0"), "libGLX_nvidia.so.0");
        assert_eq!(library("../../lib/libx.so"), "/usr/share/vulkan/icd.d/../../lib/libx.so");
        assert_eq!(driver_library(Path::new("/x.json"), "{}"), None);
    }
}
