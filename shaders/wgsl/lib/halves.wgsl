// A pack of f16 in workgroup memory, as cooperative matrices load it.
//
// Packs travel from storage as words. A driver splits a vector of f16 as soon as it is loaded, and waits for the
// load to finish in order to split it.

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
