//! What the tests of tier `coop` share: operands of f16 numbers, and attention over a cache in tiles.

use bytemuck::Zeroable;
use half::f16;
use orthrus::shaders::params::{Attention, AttentionMerge, QkNormRope, padded};
use orthrus::shaders::{
    ActivationLayout, Kernel, KvSplits, LaneExchange, Mask, PAIRED_WORKGROUP_BYTES, QUERY_ROOM, STAGED_HEAD,
    State, TILE, WeightStaging, in_tiles,
};
use orthrus::{Gpu, Tier};

use crate::gpu::{gpu, tiers};
use crate::kernel::{Operands, from_tiles, poison};
use crate::random::Random;

/// The test GPU at tier `coop`, where the adapter has it.
pub fn coop_gpu() -> Option<Gpu> {
    tiers().contains(&Tier::Coop).then(|| gpu(Tier::Coop))
}

/// Runs `check` on random shapes where the adapter has the tier.
pub fn on_coop(check: impl Fn(&Gpu, &mut Random, &str)) {
    let Some(gpu) = coop_gpu() else { return };
    for seed in 0..25 {
        check(&gpu, &mut Random::new(seed), &format!("seed {seed}"));
    }
}

fn has_subgroups_of_32(gpu: &Gpu) -> bool {
    gpu.adapter().subgroup_sizes == Some((32, 32))
}

/// The ways in which lanes of `attention_row` can tell each other on the adapter.
pub fn tile_lanes(gpu: &Gpu) -> &'static [LaneExchange] {
    if has_subgroups_of_32(gpu) { &LaneExchange::ALL } else { &[LaneExchange::Workgroup] }
}

/// The ways in which `matmul_coop` can get weights on the adapter, the one that the engine takes last.
pub fn staging(gpu: &Gpu) -> &'static [WeightStaging] {
    if has_subgroups_of_32(gpu) {
        &[WeightStaging::Direct, WeightStaging::Staged]
    } else {
        &[WeightStaging::Direct]
    }
}

/// `count` numbers of f16.
pub fn halves(random: &mut Random, count: usize) -> Vec<f32> {
    random.halves(count).iter().map(|half| half.to_f32()).collect()
}

/// Rows of `width` numbers of f16, padded with zeros to whole tiles.
pub fn rows_of(random: &mut Random, rows: usize, width: usize) -> Vec<f32> {
    let mut values = Vec::new();
    for _ in 0..rows {
        values.extend(halves(random, width));
        values.resize(values.len().next_multiple_of(padded(width)), 0.0);
    }
    values
}

/// A pass of so many rows, the logits of all of which are wanted.
pub fn pass(rows: usize) -> State {
    State { rows: rows as u32, logit_rows: rows as u32, ..State::zeroed() }
}

/// A pass whose queries, keys and values are in tiles.
pub struct Heads {
    /// Rows of the pass.
    pub rows: usize,
    /// Position of the first.
    pub start: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Values of a head.
    pub head_dim: usize,
    /// Positions of the cache.
    pub context: usize,
    /// Rows that go through attention at a time: whole tiles of queries.
    pub chunk_rows: usize,
}

impl Heads {
    /// One that reaches the end of a short, middle or long split, the beginning of the text, or anything.
    pub fn random(random: &mut Random) -> Heads {
        let kv_heads = random.between(1, 3);
        let heads_per_kv = random.between(1, 5);
        let between = random.between(1, 40);
        let anywhere = random.between(0, 500);
        let far = random.between(2000, 2700);
        let start = random.pick(&[0, 127, 128, anywhere, anywhere, 2047, 2559, 8191, 9215, far]);
        Heads {
            rows: random.pick(&[1, 2, 8, 32, between]),
            start,
            kv_heads,
            heads: kv_heads * heads_per_kv,
            head_dim: random.pick(&[16, 48, 64, 128, 2 * random.clone().between(1, 64)]),
            context: (start + 76).next_multiple_of(TILE), // as many more as a test adds
            chunk_rows: random.between(1, 3) * Heads::least_rows(heads_per_kv),
        }
    }

    /// Rows of the least piece: 32 queries, or more for a whole number of rows.
    pub fn least_rows(heads_per_kv: usize) -> usize {
        QUERY_ROOM >> heads_per_kv.trailing_zeros().min(QUERY_ROOM.ilog2())
    }

    /// The kernels of attention that `gpu` has for such heads.
    pub fn kernels(&self, gpu: &Gpu) -> Vec<Kernel> {
        let mut kernels = vec![Kernel::AttentionCoop];
        if self.width() == STAGED_HEAD && has_subgroups_of_32(gpu) {
            kernels.push(Kernel::AttentionStaged);
            if gpu.adapter().workgroup_memory >= PAIRED_WORKGROUP_BYTES {
                kernels.push(Kernel::AttentionPaired);
            }
        }
        kernels
    }

    /// Values of a head, padded to whole tiles.
    pub fn width(&self) -> usize {
        padded(self.head_dim)
    }

    /// Queries of a kv head that there is room for.
    pub fn queries(&self) -> usize {
        (self.rows * self.heads / self.kv_heads).next_multiple_of(QUERY_ROOM)
    }

    /// Queries of a kv head that partials have room for.
    pub fn chunk_queries(&self) -> usize {
        self.chunk_rows * self.heads / self.kv_heads
    }

    /// The decode state of the pass.
    pub fn state(&self) -> State {
        State { start: self.start as u32, ..pass(self.rows) }
    }

    /// Parameters of norm and rotation before it.
    pub fn norm_rope(&self) -> QkNormRope {
        QkNormRope {
            heads: self.heads as u32,
            kv_heads: self.kv_heads as u32,
            head_dim: self.head_dim as u32,
            head_vecs: (self.width() / 4) as u32,
            qkv_stride: ((self.heads + 2 * self.kv_heads) * self.head_dim) as u32,
            context: self.context as u32,
            queries: self.queries() as u32,
            eps: 1e-6,
        }
    }

    /// Parameters of attention in such splits, for the piece that begins with `first_row`.
    pub fn attention(&self, splits: KvSplits, visible: Mask, first_row: usize) -> Attention {
        Attention {
            heads: self.heads as u32,
            kv_heads: self.kv_heads as u32,
            head_vecs: (self.width() / 4) as u32,
            context: self.context as u32,
            queries: self.queries() as u32,
            splits: splits.of(self.context) as u32,
            scale: 1.0 / (self.head_dim as f32).sqrt(),
            mask: visible as u32,
            first_row: first_row as u32,
            chunk_queries: self.chunk_queries() as u32,
            eps: 1e-6,
            pad: 0,
        }
    }

    /// Parameters of the merge after it.
    pub fn merge(&self, splits: KvSplits, visible: Mask, first_row: usize) -> AttentionMerge {
        AttentionMerge {
            heads: self.heads as u32,
            kv_heads: self.kv_heads as u32,
            head_dim: self.head_dim as u32,
            head_vecs: (self.width() / 4) as u32,
            splits: splits.of(self.context) as u32,
            out_stride: padded(self.heads * self.head_dim) as u32,
            mask: visible as u32,
            first_row: first_row as u32,
            chunk_queries: self.chunk_queries() as u32,
            pad: [0; 3],
        }
    }

    /// `[rows][heads][width]` to tiles by kv head.
    pub fn queries_in_tiles(&self, q: &[f32]) -> Vec<f16> {
        let (width, group) = (self.width(), self.heads / self.kv_heads);
        let mut tiles = vec![f16::ZERO; self.kv_heads * self.queries() * width];
        for row in 0..self.rows {
            for head in 0..self.heads {
                let query = head / group * self.queries() + row * group + head % group;
                for i in 0..width {
                    let value = q[(row * self.heads + head) * width + i];
                    tiles[in_tiles(query, i, width / TILE)] = f16::from_f32(value);
                }
            }
        }
        tiles
    }

    /// Keys and values, `[positions][kv_heads][width]`, in tiles.
    pub fn cache_in_tiles(&self, cache: &[Vec<f32>; 2]) -> (Vec<f16>, Vec<f16>) {
        let width = self.width();
        let slots = self.context * self.kv_heads * width;
        let (mut keys, mut values) = (vec![f16::ZERO; slots], vec![f16::ZERO; slots]);
        for kv_head in 0..self.kv_heads {
            for position in 0..self.context {
                for i in 0..width {
                    let (key, value) = self.places(kv_head, position, i);
                    let at = (position * self.kv_heads + kv_head) * width + i;
                    keys[key] = f16::from_f32(cache[0][at]);
                    values[value] = f16::from_f32(cache[1][at]);
                }
            }
        }
        (keys, values)
    }

    /// Keys, `[positions][kv_heads][width]`, as the twins have them (`lib/qk_norm_rope/kv/rows_f32.wgsl`).
    pub fn positions_innermost(&self, keys: &[f32]) -> Vec<f32> {
        let width = self.width();
        let mut innermost = vec![0.0; keys.len()];
        for (at, &key) in keys.iter().enumerate() {
            let (position, kv_head, i) = (at / width / self.kv_heads, at / width % self.kv_heads, at % width);
            innermost[((kv_head * width / 4 + i / 4) * self.context + position) * 4 + i % 4] = key;
        }
        innermost
    }

    /// Where a key, and where a value is (`lib/qk_norm_rope/kv/tiles_f16.wgsl`).
    pub fn places(&self, kv_head: usize, position: usize, i: usize) -> (usize, usize) {
        let line = kv_head * self.context + position;
        let tile = (line / TILE * (self.width() / TILE) + i / TILE) * TILE * TILE;
        (in_tiles(line, i, self.width() / TILE), tile + i % TILE * TILE + line % TILE)
    }
}

/// What attention gives: each split's means and stats, piece after piece, and what is merged of them, row after row.
pub struct Attended {
    /// `[pieces][kv_heads][splits][chunk_queries][width]`.
    pub means: Vec<f16>,
    /// `[pieces][kv_heads][splits][chunk_queries][2]`.
    pub stats: Vec<f32>,
    /// `[rows][heads][head_dim]`, rows padded to whole tiles.
    pub merged: Vec<f32>,
}

/// Attends by `kernel`, `attention_coop` in so many `columns` of workgroups at most, on poisoned buffers. `q` is
/// `[rows][heads][width]`, `cache` keys and values, `[positions][kv_heads][width]`.
#[allow(clippy::too_many_arguments, reason = "what attention is made of")]
pub fn attend(
    gpu: &Gpu,
    shape: &Heads,
    visible: Mask,
    kernel: Kernel,
    columns: u32,
    q: &[f32],
    cache: &[Vec<f32>; 2],
) -> Attended {
    let width = shape.width();
    let (keys, values) = shape.cache_in_tiles(cache);
    let out_stride = padded(shape.heads * shape.head_dim);
    let mut tiles = vec![f16::ZERO; shape.rows.next_multiple_of(TILE) * out_stride];
    let (mut means, mut stats) = (Vec::new(), Vec::new());
    let splits = KvSplits::Growing;
    for first_row in (0..shape.rows).step_by(shape.chunk_rows) {
        let params = shape.attention(splits, visible, first_row);
        let partials = (params.kv_heads * params.splits * params.chunk_queries) as usize;
        let positions = shape.start + shape.rows;
        let grid = match kernel {
            Kernel::AttentionStaged => params.staged_grid(shape.rows, positions),
            Kernel::AttentionPaired => params.paired_grid(shape.rows, positions),
            _ => {
                let [x, y, z] = params.coop_grid(shape.rows, positions, u32::MAX);
                [x, y.min(columns), z]
            }
        };
        let run = Operands::new(gpu)
            .storage(&[shape.state()])
            .params(&params)
            .storage(&shape.queries_in_tiles(q))
            .storage(&keys)
            .storage(&values)
            .storage(&vec![f16::NAN; partials * width])
            .storage(&poison(partials * 2))
            .run(kernel, grid);
        let of_piece = (run.read::<f16>(5, partials * width), run.read::<f32>(6, partials * 2));
        let merge = shape.merge(splits, visible, first_row);
        let merged = Operands::new(gpu)
            .storage(&[shape.state()])
            .params(&merge)
            .storage(&of_piece.0)
            .storage(&of_piece.1)
            .storage(&tiles)
            .run(
                Kernel::AttentionMerge { splits, output: ActivationLayout::TilesF16 },
                merge.grid(shape.rows),
            );
        tiles = merged.read(4, tiles.len());
        means.extend(of_piece.0);
        stats.extend(of_piece.1);
    }
    Attended { means, stats, merged: from_tiles(&tiles, shape.rows, out_stride) }
}

impl Attended {
    /// All that a row of a causal pass has: means, stats and result of each of its heads.
    pub fn of_row(&self, shape: &Heads, row: usize) -> Vec<f32> {
        let (width, group) = (shape.width(), shape.heads / shape.kv_heads);
        let (splits, seen) =
            (KvSplits::Growing.of(shape.context), KvSplits::Growing.of(shape.start + row + 1));
        let mut all = Vec::new();
        for kv_head in 0..shape.kv_heads {
            for split in 0..seen {
                for query in row % shape.chunk_rows * group..(row % shape.chunk_rows + 1) * group {
                    let line = (row / shape.chunk_rows * shape.kv_heads + kv_head) * splits + split;
                    let at = line * shape.chunk_queries() + query;
                    all.extend(self.means[at * width..][..shape.head_dim].iter().map(|mean| mean.to_f32()));
                    all.extend_from_slice(&self.stats[at * 2..][..2]);
                }
            }
        }
        let stride = padded(shape.heads * shape.head_dim);
        all.extend_from_slice(&self.merged[row * stride..][..shape.heads * shape.head_dim]);
        all
    }
}
