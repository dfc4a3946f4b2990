// Choice reduce = subgroup: sums over the lanes of a workgroup, by subgroups and then across them.
//
// The kernel declares LANES. Every lane calls `store_partial`, then comes a barrier, then any lane calls `total`.
// Any subgroup size from WebGPU's minimum, 4, on. Naga 30 does not know `enable subgroups;`, which WGSL asks for.
//
// Supplies: `Thread`, `store_partial`, `total`.

struct Thread {
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_invocation_id) subgroup_lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
}

var<workgroup> partials: array<f32, LANES / 4u>;

fn store_partial(thread: Thread, x: f32) {
    let sum = subgroupAdd(x);
    if thread.subgroup_lane == 0u {
        partials[thread.subgroup] = sum;
    }
}

fn total(thread: Thread) -> f32 {
    var sum = 0.0;
    for (var subgroup = 0u; subgroup < thread.subgroups; subgroup++) {
        sum += partials[subgroup];
    }
    return sum;
}
