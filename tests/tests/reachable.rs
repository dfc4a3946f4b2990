//! `Kernel::all()` is what sessions can dispatch: no less, so that all of it is validated and tested, and no more.

use std::collections::HashSet;

use orthrus::lab::{Copying, MeasuredPass, PretendedAdapter};
use orthrus::shaders::Kernel;
use orthrus::{
    ArKernel, GenerateOptions, Gpu, GpuOptions, Model, Replay, Synthetic, Tier, WeightFormat, no_progress,
};

/// Shapes that differ in what chooses kernels: outputs of each matrix, heads a kv head, values of a head, hidden size.
fn shapes() -> Vec<Synthetic> {
    let small = Synthetic::named("test").unwrap();
    let mut shapes = vec![small];
    for (hidden_size, heads, kv_heads, head_dim, intermediate_size, vocab_size) in [
        // Staged attention, with two, four and eight queries a kv head; matrices of ever more outputs.
        (128, 16, 8, 128, 1024, 2000),
        (128, 32, 8, 128, 3000, 4200),
        (128, 64, 8, 128, 6144, 9000),
        (128, 16, 8, 128, 9000, 2000),
        // A wide residual stream: more outputs, and rows that `matmul_row` has no room for.
        (4096, 2, 1, 16, 16, 100),
        (6144, 2, 1, 16, 16, 100),
    ] {
        shapes.push(Synthetic {
            num_hidden_layers: 1,
            hidden_size,
            num_attention_heads: heads,
            num_key_value_heads: kv_heads,
            head_dim,
            intermediate_size,
            vocab_size,
            mask_token_id: 5,
            ..small
        });
    }
    shapes
}

/// Prepares everything that a session of the model can dispatch.
fn prepare_all(gpu: &Gpu, shape: &Synthetic, format: WeightFormat) {
    let model = Model::synthetic(gpu, shape, 0, format).unwrap();
    let mut session = model.session(64).unwrap();
    session.assume_cached(&[1, 2, 3]).unwrap();
    for (pass, rows) in [
        (MeasuredPass::Verify(ArKernel::Exact), 4),
        (MeasuredPass::Verify(ArKernel::Fast), 1),
        (MeasuredPass::Draft, 4),
        (MeasuredPass::Prefill, 8),
    ] {
        assert!(!session.kernels_of(pass, rows).unwrap().is_empty());
    }
    let replay = Some(Replay { text: vec![1; 8], lengths: vec![0] });
    let options = GenerateOptions { max_new_tokens: 8, replay, ..Default::default() };
    // Nothing runs, so nothing comes.
    assert!(session.generate(&[1, 2], &options, &mut no_progress).unwrap().next().is_none());
}

#[test]
fn every_listed_kernel_is_reachable_and_no_other() {
    let mut reached = HashSet::new();
    for tier in Tier::ALL {
        for (subgroup_lanes, kilobytes, software) in [(32, 48, false), (32, 32, false), (8, 32, true)] {
            let adapter = PretendedAdapter { subgroup_lanes, workgroup_bytes: kilobytes << 10, software };
            let options = GpuOptions { tier: Some(tier), ..GpuOptions::default() };
            let gpu = pollster::block_on(adapter.open(&options)).unwrap();
            for format in WeightFormat::ALL {
                shapes().iter().for_each(|shape| prepare_all(&gpu, shape, format));
            }
            Copying::new(&gpu, 1 << 20).unwrap();
            reached.extend(gpu.compiled_kernels());
        }
    }
    let listed: HashSet<Kernel> = Kernel::all().into_iter().collect();
    let unlisted: Vec<_> = reached.difference(&listed).collect();
    assert!(unlisted.is_empty(), "sessions dispatch kernels that `Kernel::all()` lacks: {unlisted:#?}");
    let unreachable: Vec<_> = listed.difference(&reached).collect();
    assert!(
        unreachable.is_empty(),
        "no session dispatches these kernels of `Kernel::all()`: {unreachable:#?}"
    );
}
