//! The files of `wgsl/`, and those that several kernels share.

/// A file of `wgsl/`.
#[derive(Clone, Copy)]
pub(crate) struct File {
    /// Its path below `wgsl/`, without `.wgsl`.
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// The file of `wgsl/` with this path.
macro_rules! wgsl {
    ($file:literal) => {
        $crate::kernels::file::File {
            name: $file,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/wgsl/", $file, ".wgsl")),
        }
    };
}

pub(crate) use wgsl;

pub(super) const PACK: File = wgsl!("lib/pack");
pub(super) const TILE: File = wgsl!("lib/tile");
pub(super) const HALVES: File = wgsl!("lib/halves");
pub(super) const MASK: File = wgsl!("lib/attention/mask");
pub(super) const PARTIALS: File = wgsl!("lib/attention/partials");
pub(super) const BEST: File = wgsl!("lib/best");
pub(super) const CANDIDATE: File = wgsl!("lib/candidate");
pub(super) const RANDOM: File = wgsl!("lib/random");
pub(super) const PROPOSED_ROWS: File = wgsl!("lib/proposed_rows");
pub(super) const SAMPLING: File = wgsl!("lib/sampling");
pub(super) const SAMPLING_CUT: File = wgsl!("lib/sampling_cut");
