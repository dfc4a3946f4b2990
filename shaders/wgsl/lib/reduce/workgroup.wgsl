// Choice `reduce`: sums over the lanes of a workgroup, through workgroup memory. Tier `baseline`.
//
// The kernel declares LANES. Every lane puts a partial, all meet at a barrier, and any lane may ask for the total. The
// order of additions is fixed.

// The workgroup's own id is not in here: Chrome takes every member of a struct parameter for non-uniform.
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
