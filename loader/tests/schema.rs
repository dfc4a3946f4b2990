//! The schema agrees with lists and counts that were made without it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::path::Path;

use orthrus_loader::{
    AttentionTensor, AttentionView, Checkpoint, CheckpointViews, Config, LayerTensor, LoadError, TensorId,
    TensorShape, schema,
};

fn config() -> Config {
    common::open(common::dual()).unwrap().config().clone()
}

#[test]
fn names_and_shapes_are_those_of_qwen3() {
    for (views, dual) in [(CheckpointViews::Dual, true), (CheckpointViews::ArOnly, false)] {
        let mut found: Vec<_> =
            schema(&config(), views).map(|(id, shape)| (id.name(), shape.dims())).collect();
        let mut expected = common::tensors(dual);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_name_is_written_as_in_the_checkpoint() {
    let id = TensorId::attention(3, AttentionView::Diffusion, AttentionTensor::Query);
    assert_eq!(id.name(), "model.layers.3.self_attn.q_proj_diff.weight");
    assert_eq!((id.layer(), id.view()), (Some(3), Some(AttentionView::Diffusion)));
    let id = TensorId::Layer(0, LayerTensor::Down);
    assert_eq!((id.name().as_str(), id.view()), ("model.layers.0.mlp.down_proj.weight", None));
}

#[test]
fn a_checkpoint_holds_its_schema_in_order() {
    for name in ["tied-gqa", "untied-wide-head"] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(name);
        let checkpoint = Checkpoint::open(dir).unwrap();
        let (config, views) = (checkpoint.config(), checkpoint.views());
        assert_eq!(checkpoint.tensors().count(), schema(config, views).count());
        for ((id, shape), (name, tensor)) in schema(config, views).zip(checkpoint.tensors()) {
            assert_eq!((id.name().as_str(), shape.dims().as_slice()), (name, tensor.shape));
            assert_eq!((shape, shape.elements()), (id.shape(config), tensor.len() as u64));
            assert_eq!(checkpoint.tensor_of(id).unwrap().byte_len(), tensor.byte_len());
        }
        let head = checkpoint.tensor_of(TensorId::head_of(config)).unwrap();
        assert_eq!(head.shape, [config.vocab_size, config.hidden_size]);
    }
}

/// The sum is the published size of Qwen3-1.7B. An Orthrus checkpoint adds a second attention to each layer.
#[test]
fn parameters_are_counted_by_view() {
    let qwen3 = Config {
        hidden_size: 2048,
        num_hidden_layers: 28,
        num_attention_heads: 16,
        num_key_value_heads: 8,
        head_dim: 128,
        intermediate_size: 6144,
        vocab_size: 151_936,
        ..config()
    };
    let count = |view: Option<AttentionView>| -> u64 {
        let tensors = schema(&qwen3, CheckpointViews::Dual).filter(|(id, _)| id.view() == view);
        tensors.map(|(_, shape)| shape.elements()).sum()
    };
    let attention = 28 * (2 * 2048 * 2048 + 2 * 1024 * 2048 + 2 * 128);
    assert_eq!(count(Some(AttentionView::Ar)), attention);
    assert_eq!(count(Some(AttentionView::Diffusion)), attention);
    assert_eq!(count(None) + attention, 1_720_574_976);
}

#[test]
fn a_tensor_that_the_model_lacks_is_an_error() {
    let plain = common::open(common::ar_only()).unwrap();
    for id in [
        TensorId::Head,
        TensorId::Layer(2, LayerTensor::Gate),
        TensorId::attention(0, AttentionView::Diffusion, AttentionTensor::Value),
    ] {
        let error = plain.tensor_of(id).unwrap_err();
        assert!(matches!(error, LoadError::NoSuchTensor { .. }), "{error:?}");
        assert!(error.to_string().contains(&id.name()), "{error}");
    }
}

#[test]
fn elements_do_not_overflow() {
    let shape = TensorShape::Matrix { outputs: usize::MAX, inputs: usize::MAX };
    assert_eq!(shape.elements(), u64::MAX);
}
