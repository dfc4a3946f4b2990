// A pack of f16, 16 bytes, as cooperative matrices take it from workgroup memory. On the way there from storage it is
// words: a driver takes a vector of f16 that is under way apart, and waits for it to do so.

enable f16;

struct Halves {
    lo: vec4<f16>,
    hi: vec4<f16>,
}

fn halves_of(words: vec4<u32>) -> Halves {
    return Halves(
        vec4<f16>(vec4(unpack2x16float(words.x), unpack2x16float(words.y))),
        vec4<f16>(vec4(unpack2x16float(words.z), unpack2x16float(words.w))),
    );
}
