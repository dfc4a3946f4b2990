// Choice `weights`, to write: stored as f16, two to a word, the earlier one in the low half.

@group(0) @binding(2) var<storage, read_write> weights: array<vec4<u32>>;

fn write_pack(index: u32, lo: vec4<f32>, hi: vec4<f32>) {
    weights[index] =
        vec4(pack2x16float(lo.xy), pack2x16float(lo.zw), pack2x16float(hi.xy), pack2x16float(hi.zw));
}
