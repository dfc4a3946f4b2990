// Choice reduce = workgroup: sums over the lanes of a workgroup, through workgroup memory.
//
// The kernel declares LANES. Every lane calls `store_partial`, then comes a barrier, then any lane calls `total`.
// Additions have a fixed order.
//
// Supplies: `Thread`, `store_partial`, `total`.

// The workgroup's id is no member: Chrome takes every member of a struct parameter for non-uniform.
struct Thread {
    @builtin(local_invocation_index) lane: u32,
}

var<workgroup> partials: array<f32, LANES>;

fn store_partial(thread: Thread, x: f32) {
    partials[thread.lane] = x;
}

fn total(thread: Thread) -> f32 {
    var sum = 0.0;
    for (var lane = 0u; lane < LANES; lane++) {
        sum += partials[lane];
    }
    return sum;
}
