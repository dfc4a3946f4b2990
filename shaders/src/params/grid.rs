//! Grids of workgroups.

/// A grid of workgroups.
pub type Grid = [u32; 3];

/// The number of groups of `per_group` items that cover `items`.
pub(crate) fn groups(items: usize, per_group: usize) -> u32 {
    items.div_ceil(per_group) as u32
}
