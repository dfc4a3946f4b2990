// Choice `reduce`: sums over the lanes of a workgroup, through workgroup memory. Tier `baseline`.
//
// The kernel declares LANES and VALUES. Every lane puts a partial for each value, all meet at a
// barrier, and any lane may ask for the total of any value. The order of additions is fixed.

// The workgroup's own id is not in here: Chrome takes every member of a struct parameter for non-uniform.
struct Thread {
    @builtin(local_invocation_index) lane: u32,
}

// One column more than there are values: lanes then write to different banks, and read from different ones.
const PARTIAL_STRIDE = VALUES + 1u;

var<workgroup> partials: array<f32, LANES * PARTIAL_STRIDE>;

fn put_partial(thread: Thread, value: u32, x: f32) {
    partials[thread.lane * PARTIAL_STRIDE + value] = x;
}

fn total(thread: Thread, value: u32) -> f32 {
    var sum = 0.0;
    for (var lane = 0u; lane < LANES; lane++) {
        sum += partials[lane * PARTIAL_STRIDE + value];
    }
    return sum;
}
