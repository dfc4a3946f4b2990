//! The description of a kernel, and how it is put together.

use super::file::{CANDIDATE, File, MASK, PARTIALS, PROPOSED_ROWS, SAMPLING, SAMPLING_CUT, TILE, wgsl};
use crate::params::{self, Fields};
use crate::variants::{ActivationLayout, Epilogue, KvSplits, Tier};

/// The description of a kernel. Its bindings are read from its WGSL: [`Kernel::bindings`](crate::Kernel::bindings).
#[non_exhaustive]
pub struct KernelSpec {
    /// The name of the kernel and of its file.
    pub name: &'static str,
    /// The least demanding tier that the kernel runs on.
    pub tier: Tier,
    /// Bytes of the uniform that the host writes. `None`: the kernel has no uniform.
    pub params_bytes: Option<usize>,
    /// Name of each field of that uniform, and its offset in bytes.
    pub params_fields: &'static [(&'static str, usize)],
    /// The kernel's file, then the files of its choices and shared files.
    pub(crate) files: Vec<File>,
    /// Constants that the choices decide: name, and type with value in WGSL.
    pub(crate) constants: Vec<(&'static str, String)>,
}

impl KernelSpec {
    /// A kernel of every tier whose uniform is a `Params`.
    pub(super) fn new<Params: Fields>(file: File) -> KernelSpec {
        KernelSpec {
            params_bytes: Some(size_of::<Params>()),
            params_fields: Params::FIELDS,
            ..KernelSpec::without_params(file)
        }
    }

    /// A kernel of every tier, without a uniform.
    pub(super) fn without_params(file: File) -> KernelSpec {
        KernelSpec {
            name: file.name,
            tier: Tier::Baseline,
            params_bytes: None,
            params_fields: &[],
            files: vec![file],
            constants: vec![],
        }
    }

    pub(super) fn tier(self, tier: Tier) -> KernelSpec {
        KernelSpec { tier: self.tier.max(tier), ..self }
    }

    pub(super) fn with(mut self, files: impl IntoIterator<Item = File>) -> KernelSpec {
        self.files.extend(files);
        self
    }

    pub(super) fn constant(mut self, name: &'static str, value: usize) -> KernelSpec {
        self.constants.push((name, format!("u32 = {value}u")));
        self
    }

    /// Adds `store_output`, for kernels that store activations one value at a time.
    pub(super) fn output(mut self, layout: ActivationLayout) -> KernelSpec {
        self.constants.push(("GATED_SCALE", format!("f32 = {:?}", layout.gated_scale())));
        self.tier(layout.tier()).with(match layout {
            ActivationLayout::RowsF32 => vec![wgsl!("lib/output/rows_f32")],
            ActivationLayout::TilesF16 => vec![wgsl!("lib/tile"), wgsl!("lib/output/tiles_f16")],
        })
    }
}

impl KernelSpec {
    /// Files that `logit_parts` and `sampling_cut` share.
    pub(super) const SAMPLING_FILES: [File; 5] =
        [SAMPLING, PROPOSED_ROWS, SAMPLING_CUT, wgsl!("lib/logit_part"), wgsl!("lib/logit_key")];

    /// An attention kernel with cooperative matrices.
    pub(super) fn cooperative_attention(file: File) -> KernelSpec {
        KernelSpec::new::<params::Attention>(file).tier(Tier::Coop).with([
            wgsl!("lib/attention/coop"),
            MASK,
            PARTIALS,
            TILE,
            KvSplits::Growing.file(),
        ])
    }

    /// Adds the epilogue of `matmul_coop` or `matmul_prefill`.
    pub(super) fn cooperative(self, epilogue: Epilogue) -> KernelSpec {
        const FINISH_TILE: File = wgsl!("lib/matmul_coop/epilogue/finish_tile");
        const NO_ADDEND: File = wgsl!("lib/matmul_coop/epilogue/no_addend");
        let own = match epilogue {
            Epilogue::Store => wgsl!("lib/matmul_coop/epilogue/store"),
            Epilogue::AddResidual => wgsl!("lib/matmul_coop/epilogue/add_residual"),
            Epilogue::SwiGlu => wgsl!("lib/matmul_coop/epilogue/swiglu"),
            Epilogue::PartialArgmax => wgsl!("lib/matmul_coop/epilogue/partial_argmax"),
        };
        let spec = self.with([own]);
        match epilogue {
            Epilogue::Store => spec.with([TILE, FINISH_TILE, NO_ADDEND]),
            Epilogue::AddResidual => spec.with([TILE, FINISH_TILE]),
            Epilogue::SwiGlu => spec.with([FINISH_TILE, NO_ADDEND]).output(ActivationLayout::TilesF16),
            Epilogue::PartialArgmax => spec.with([TILE, CANDIDATE]),
        }
    }

    /// Adds the epilogue of `matmul_row`.
    pub(super) fn single_row(self, epilogue: Epilogue, output: ActivationLayout) -> KernelSpec {
        const NO_ADDEND: File = wgsl!("lib/matmul_row/epilogue/no_addend");
        match epilogue {
            Epilogue::Store => self.with([NO_ADDEND, wgsl!("lib/matmul_row/epilogue/store")]),
            Epilogue::AddResidual => self.with([wgsl!("lib/matmul_row/epilogue/add_residual")]),
            Epilogue::SwiGlu => {
                self.with([NO_ADDEND, wgsl!("lib/matmul_row/epilogue/swiglu")]).output(output)
            }
            Epilogue::PartialArgmax => {
                self.with([NO_ADDEND, wgsl!("lib/matmul_row/epilogue/partial_argmax"), CANDIDATE])
            }
        }
    }
}
