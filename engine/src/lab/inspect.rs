//! Reading logits and KV cache of a session, for tests and for studying a model.

use half::f16;
use orthrus_shaders::{KvFormat, State, TILE, in_tiles};

use crate::decode::{PassKind, Session, check_ids};
use crate::forward::{ArKernel, PassBounds};
use crate::gpu::Buffer;
use crate::{Error, Result};

impl Session {
    /// Appends `ids` to the text through the AR view, and returns their logits: `[ids][vocabulary]`.
    ///
    /// # Errors
    /// `ids` is empty, has an id beyond the vocabulary, or exceeds the context; the GPU failed.
    pub async fn append_async(&mut self, ids: &[u32]) -> Result<Vec<f32>> {
        check_ids(ids, self.model.config())?;
        // The last generation's anchor belongs to the text, but is not cached yet.
        let pending = self.text.len() - self.cached;
        let all = [&self.text[self.cached..], ids].concat();
        self.check_room(all.len())?;
        self.in_flight.drain().await?;
        self.replace_text(self.cached, &all);
        let mut logits = Vec::new();
        while self.cached < self.text.len() {
            let rows = (self.text.len() - self.cached).min(self.buffers.sizes.block);
            self.write_probe_state(rows);
            let bounds = PassBounds { max_rows: rows, kv_len: self.cached + rows };
            self.submit_text(rows, bounds.kv_len)?;
            let exact = self.passes.passes(PassKind::Target(ArKernel::Exact))?;
            self.gpu().submit(|encoder| {
                let mut commands = encoder.begin_compute_pass(&Default::default());
                exact.logits.encode(&mut commands, bounds);
            });
            logits.extend(self.read_logits(&self.buffers.logits, rows).await?);
            self.advance_cached(self.cached + rows, ArKernel::Exact);
        }
        Ok(logits.split_off(pending * self.model.config().vocab_size))
    }

    /// The diffusion view's logits for a block after the cached text: `[rows][vocabulary]`. The block has `rows`
    /// rows, `anchor` and masks.
    ///
    /// Text and KV cache stay as they are, since the block lies after them.
    ///
    /// # Errors
    /// The checkpoint has no diffusion view; `rows` exceeds its block size or the context; `anchor` is beyond the
    /// vocabulary; the GPU failed.
    pub async fn draft_async(&mut self, anchor: u32, rows: usize) -> Result<Vec<f32>> {
        if !self.passes.has_draft() {
            return Err(Error::NoDiffusionView);
        }
        let most = self.buffers.sizes.block;
        if !(1..=most).contains(&rows) {
            return Err(Error::BlockSize { asked: rows, most });
        }
        check_ids(&[anchor], self.model.config())?;
        self.check_room(rows)?;
        self.in_flight.drain().await?;
        // Later passes overwrite whatever is after the cached text on the GPU.
        self.gpu().write(&self.buffers.tokens, 4 * self.cached as u64, &[anchor]);
        self.write_probe_state(rows);
        let bounds = PassBounds { max_rows: rows, kv_len: self.cached + rows };
        let draft = self.passes.passes(PassKind::Draft)?;
        self.gpu().submit(|encoder| {
            let mut commands = encoder.begin_compute_pass(&Default::default());
            draft.layers.encode(&mut commands, bounds);
            draft.logits.encode(&mut commands, bounds);
        });
        self.read_logits(&self.buffers.draft_logits, rows).await
    }

    /// Keys and values of one layer in the KV cache, each `[kv_heads][cached][head_dim]`. Keys are normed and
    /// rotated.
    ///
    /// # Errors
    /// The model has no such layer, or the GPU failed.
    pub async fn cache_async(&self, layer: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        let sizes = self.buffers.sizes;
        let config = self.model.config();
        let Some(kv) = self.buffers.kv.get(layer) else {
            return Err(Error::LayerOutOfRange { asked: layer, layers: self.buffers.kv.len() });
        };
        let raw_keys = self.read_cache(&kv.keys).await?;
        let raw_values = self.read_cache(&kv.values).await?;
        let (kv_heads, vecs) = (config.num_key_value_heads, sizes.head_vecs);
        let mut keys = Vec::new();
        let mut values = Vec::new();
        for head in 0..kv_heads {
            for position in 0..self.cached {
                for i in 0..config.head_dim {
                    // Layouts: `lib/qk_norm_rope/kv/rows_f32.wgsl` and `lib/qk_norm_rope/kv/tiles_f16.wgsl`.
                    let (key, value) = match sizes.layouts.kv {
                        KvFormat::RowsF32 => (
                            ((head * vecs + i / 4) * sizes.context + position) * 4 + i % 4,
                            (position * kv_heads + head) * vecs * 4 + i,
                        ),
                        KvFormat::TilesF16 => {
                            let line = head * sizes.padded_context() + position;
                            let transposed = line / TILE * TILE + i % TILE;
                            (
                                in_tiles(line, i, vecs / 4),
                                in_tiles(transposed, i / TILE * TILE + line % TILE, vecs / 4),
                            )
                        }
                    };
                    keys.push(raw_keys[key]);
                    values.push(raw_values[value]);
                }
            }
        }
        Ok((keys, values))
    }

    async fn read_cache(&self, buffer: &Buffer) -> Result<Vec<f32>> {
        let bytes = self.buffers.sizes.cache_bytes_of_layer() as usize;
        match self.buffers.sizes.layouts.kv {
            KvFormat::RowsF32 => self.gpu().read(buffer, bytes / 4).await,
            KvFormat::TilesF16 => {
                let halves: Vec<f16> = self.gpu().read(buffer, bytes / 2).await?;
                Ok(halves.into_iter().map(f16::to_f32).collect())
            }
        }
    }

    fn check_room(&self, rows: usize) -> Result<()> {
        let context = self.context();
        if self.cached + rows > context {
            return Err(Error::ContextFull { prompt: self.cached, budget: rows, context });
        }
        Ok(())
    }

    fn write_probe_state(&self, rows: usize) {
        let state = State {
            start: self.cached as u32,
            rows: rows as u32,
            logit_rows: rows as u32,
            ..bytemuck::Zeroable::zeroed()
        };
        self.gpu().write(&self.buffers.state, 0, &[state]);
    }

    async fn read_logits(&self, logits: &Buffer, rows: usize) -> Result<Vec<f32>> {
        self.gpu().read(logits, rows * self.model.config().vocab_size).await
    }
}

/// Blocking versions, for programs that are not async.
#[cfg(not(target_arch = "wasm32"))]
impl Session {
    /// [`Session::append_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Session::append_async`].
    pub fn append(&mut self, ids: &[u32]) -> Result<Vec<f32>> {
        pollster::block_on(self.append_async(ids))
    }

    /// [`Session::draft_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Session::draft_async`].
    pub fn draft(&mut self, anchor: u32, rows: usize) -> Result<Vec<f32>> {
        pollster::block_on(self.draft_async(anchor, rows))
    }

    /// [`Session::cache_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Session::cache_async`].
    pub fn cache(&self, layer: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        pollster::block_on(self.cache_async(layer))
    }
}
