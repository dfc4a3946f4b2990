//! The table of rotary angles (RoPE), which the sessions of a model share.

use std::sync::Mutex;

use orthrus_loader::Config;

use crate::Result;
use crate::gpu::{Buffer, Gpu, lock};

/// Rotary angles of the positions from 0 to the longest context that a session has asked for.
#[derive(Default)]
pub(crate) struct RopeTable {
    longest: Mutex<Option<(usize, Buffer)>>,
}

impl RopeTable {
    /// A buffer with the angles of at least `context` positions, made when it is first needed.
    pub(crate) async fn for_context(&self, gpu: &Gpu, config: &Config, context: usize) -> Result<Buffer> {
        let found = lock(&self.longest).clone().filter(|(positions, _)| *positions >= context);
        if let Some((_, buffer)) = found {
            return Ok(buffer);
        }
        let angles = table(config.rope_theta, config.head_dim, context);
        let buffer = gpu.allocating(|| gpu.storage_with("rope", &angles)).await?;
        *lock(&self.longest) = Some((context, buffer.clone()));
        Ok(buffer)
    }
}

/// `[cos, sin]` of `position * theta^(-2 i / head_dim)`, as `[positions][head_dim / 2]` with `i` the inner index.
///
/// The angle is rounded to f32 before its cosine and sine are taken in f64. transformers computes frequency and
/// angle in f32, and the model was trained with that rounding.
fn table(theta: f64, head_dim: usize, positions: usize) -> Vec<[f32; 2]> {
    let frequency =
        |i: usize| (1.0 / theta.powf(f64::from((2 * i) as f32 / head_dim as f32)) as f32 as f64) as f32;
    let frequencies: Vec<f32> = (0..head_dim / 2).map(frequency).collect();
    let rotation = |position: usize, frequency: f32| {
        let angle = f64::from(position as f32 * frequency);
        [angle.cos() as f32, angle.sin() as f32]
    };
    (0..positions).flat_map(|position| frequencies.iter().map(move |&f| rotation(position, f))).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn turns_by_position_times_frequency() {
        let table = table(10_000.0, 4, 3);
        assert_eq!(table.len(), 6);
        assert_eq!(table[0], [1.0, 0.0]);
        assert!((table[4][1] - 2f32.sin()).abs() < 1e-7);
        assert!(
            (table[5][1] - 0.02f32.sin()).abs() < 1e-8,
            "the second pair turns theta^(-2/4) = 1/100 as fast"
        );
    }
}
