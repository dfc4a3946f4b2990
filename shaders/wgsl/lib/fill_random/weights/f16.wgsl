// Choice weights = f16: weights are written as f16, two a word, the earlier one in the low half.
//
//   weights   packs in the order of storage, one a vec4
//
// Supplies: `write_pack`.

@group(0) @binding(2) var<storage, read_write> weights: array<vec4<u32>>;

fn write_pack(index: u32, lo: vec4<f32>, hi: vec4<f32>) {
    weights[index] =
        vec4(pack2x16float(lo.xy), pack2x16float(lo.zw), pack2x16float(hi.xy), pack2x16float(hi.zw));
}
