//! The file that each choice stands for.

use crate::choices::{
    Cache, Candidates, Columns, Input, Output, Product, RowQueries, RowSlices, RowTiles, Rows, Slices,
    Splits, Store, Tier, Tile, TileLanes, WeightFormat, WeightTiles,
};

/// A file of `wgsl/`, and its name.
macro_rules! wgsl {
    ($file:literal) => {
        ($file, include_str!(concat!("../wgsl/", $file, ".wgsl")))
    };
}

pub(crate) type File = (&'static str, &'static str);

pub(crate) const STATE: File = wgsl!("lib/state");
pub(crate) const CHUNK: File = wgsl!("lib/chunk");
pub(crate) const BEST: File = wgsl!("lib/best");
pub(crate) const DISTRIBUTION: File = wgsl!("lib/distribution");
pub(crate) const SAMPLING: File = wgsl!("lib/sampling");
pub(crate) const PART: File = wgsl!("lib/part");
pub(crate) const LOGIT_KEY: File = wgsl!("lib/logit_key");
pub(crate) const RANDOM: File = wgsl!("lib/random");
pub(crate) const PROPOSED: File = wgsl!("lib/proposed_rows");
pub(crate) const TILES: File = wgsl!("lib/tile");
pub(crate) const HALVES: File = wgsl!("lib/halves");
pub(crate) const STAGED_ATTENTION: File = wgsl!("lib/staged_attention");
pub(crate) const COOP_PARAMS: File = wgsl!("lib/coop_params");
pub(crate) const PARTIALS: File = wgsl!("lib/partials");
pub(crate) const CANDIDATE: File = wgsl!("lib/candidate");
pub(crate) const NO_ID: File = wgsl!("lib/no_id");
pub(crate) const VISIBLE: File = wgsl!("lib/visible");
pub(crate) const LAYOUT: File = wgsl!("lib/layout_tiles");

/// What `attention_coop`, `attention_staged` and `attention_paired` share.
pub(crate) const ALL_OF_COOP_ATTENTION: [File; 5] =
    [wgsl!("lib/coop_attention"), VISIBLE, PARTIALS, TILES, wgsl!("lib/splits_growing")];

impl WeightFormat {
    pub(crate) fn file(self) -> File {
        match self {
            WeightFormat::F32 => wgsl!("lib/weights_f32"),
            WeightFormat::F16 => wgsl!("lib/weights_f16"),
        }
    }

    pub(crate) fn write_file(self) -> File {
        match self {
            WeightFormat::F32 => wgsl!("lib/write_f32"),
            WeightFormat::F16 => wgsl!("lib/write_f16"),
        }
    }
}

impl Rows {
    pub(crate) fn file(self) -> File {
        match self {
            Rows::All => wgsl!("lib/rows_all"),
            Rows::Logits => wgsl!("lib/rows_logits"),
        }
    }
}

impl Tile {
    pub(crate) fn file(self) -> File {
        match self {
            Tile::One => wgsl!("lib/tile_one"),
            Tile::Eight => wgsl!("lib/tile_eight"),
        }
    }
}

impl Slices {
    pub(crate) fn file(self) -> File {
        match self {
            Slices::One => wgsl!("lib/slices_one"),
            Slices::Many => wgsl!("lib/slices_many"),
        }
    }
}

impl Store {
    pub(crate) fn file(self) -> File {
        match self {
            Store::Value => wgsl!("lib/store_value"),
            Store::Sum => wgsl!("lib/store_sum"),
        }
    }
}

impl Output {
    pub(crate) fn files(self) -> &'static [File] {
        match self {
            Output::Rows => &[wgsl!("lib/output_rows")],
            Output::Tiles => &[TILES, wgsl!("lib/output_tiles")],
        }
    }

    pub(crate) fn gated_scale_file(self) -> File {
        match self {
            Output::Rows => wgsl!("lib/gated_as_is"),
            Output::Tiles => wgsl!("lib/gated_scale"),
        }
    }
}

impl RowTiles {
    pub(crate) fn file(self) -> File {
        match self {
            RowTiles::One => wgsl!("lib/rows_one"),
            RowTiles::Two => wgsl!("lib/rows_two"),
        }
    }
}

impl RowSlices {
    pub(crate) fn file(self) -> File {
        match self {
            RowSlices::Four => wgsl!("lib/row_slices_four"),
            RowSlices::Eight => wgsl!("lib/row_slices_eight"),
            RowSlices::Sixteen => wgsl!("lib/row_slices_sixteen"),
        }
    }
}

impl Columns {
    pub(crate) fn file(self) -> File {
        match self {
            Columns::OneLong | Columns::One => wgsl!("lib/columns_one"),
            Columns::TwoLong | Columns::Two | Columns::TwoShort => wgsl!("lib/columns_two"),
        }
    }
}

impl WeightTiles {
    pub(crate) fn file(self) -> File {
        match self {
            WeightTiles::Direct => wgsl!("lib/weight_tiles_direct"),
            WeightTiles::Staged => wgsl!("lib/weight_tiles_staged"),
        }
    }
}

impl Product {
    pub(crate) fn coop_files(self) -> Vec<File> {
        const FINISH_TILE: File = wgsl!("lib/finish_tile");
        const NO_ADDEND: File = wgsl!("lib/no_addend");
        match self {
            Product::Value => vec![TILES, FINISH_TILE, NO_ADDEND, wgsl!("lib/product_value")],
            Product::Sum => vec![TILES, FINISH_TILE, wgsl!("lib/product_sum")],
            Product::Gated => {
                let mut files = vec![
                    FINISH_TILE,
                    NO_ADDEND,
                    wgsl!("lib/product_gated"),
                    Output::Tiles.gated_scale_file(),
                ];
                files.extend(Output::Tiles.files());
                files
            }
            Product::Best => vec![TILES, wgsl!("lib/product_best"), CANDIDATE, NO_ID],
        }
    }

    pub(crate) fn row_files(self, output: Output) -> Vec<File> {
        const NO_ADDEND: File = wgsl!("lib/no_row_addend");
        match self {
            Product::Value => vec![NO_ADDEND, wgsl!("lib/row_value")],
            Product::Sum => vec![wgsl!("lib/row_sum")],
            Product::Gated => {
                let mut files = vec![NO_ADDEND, wgsl!("lib/row_gated"), output.gated_scale_file()];
                files.extend(output.files());
                files
            }
            Product::Best => vec![NO_ADDEND, wgsl!("lib/row_best"), CANDIDATE, NO_ID],
        }
    }
}

impl Input {
    pub(crate) fn files(self) -> [File; 2] {
        const IS_NORMED: File = wgsl!("lib/input_is_normed");
        const AS_IT_IS: File = wgsl!("lib/input_as_it_is");
        match self {
            Input::Normed => [wgsl!("lib/input_normed"), IS_NORMED],
            Input::NormedStaged => [wgsl!("lib/input_normed_staged"), IS_NORMED],
            Input::Rows => [wgsl!("lib/input_rows"), AS_IT_IS],
            Input::Tiles => [wgsl!("lib/input_tiles"), AS_IT_IS],
        }
    }
}

impl Cache {
    pub(crate) fn files(self) -> &'static [File] {
        match self {
            Cache::Rows => &[wgsl!("lib/cache_rows")],
            Cache::Tiles => &[TILES, wgsl!("lib/cache_tiles")],
        }
    }
}

impl Splits {
    pub(crate) fn file(self) -> File {
        match self {
            Splits::Even => wgsl!("lib/splits_even"),
            Splits::Growing => wgsl!("lib/splits_growing"),
            Splits::Dealt => wgsl!("lib/splits_dealt"),
        }
    }

    pub(crate) fn partials_file(self) -> File {
        match self {
            Splits::Even | Splits::Dealt => wgsl!("lib/partials_sums"),
            Splits::Growing => wgsl!("lib/partials_means"),
        }
    }
}

impl RowQueries {
    pub(crate) fn file(self) -> File {
        match self {
            RowQueries::Two => wgsl!("lib/row_queries_two"),
            RowQueries::Four => wgsl!("lib/row_queries_four"),
        }
    }
}

impl TileLanes {
    pub(crate) fn file(self) -> File {
        match self {
            TileLanes::Subgroup => wgsl!("lib/tile_lanes_subgroup"),
            TileLanes::Workgroup => wgsl!("lib/tile_lanes_workgroup"),
        }
    }
}

impl Candidates {
    pub(crate) fn file(self) -> File {
        match self {
            Candidates::Logits => wgsl!("lib/candidates_logits"),
            Candidates::Best => wgsl!("lib/candidates_best"),
        }
    }
}

impl Tier {
    pub(crate) fn reduce_file(self) -> File {
        match self {
            Tier::Baseline => wgsl!("lib/reduce_workgroup"),
            Tier::Subgroup | Tier::Coop => wgsl!("lib/reduce_subgroup"),
        }
    }
}

pub(crate) use wgsl;
