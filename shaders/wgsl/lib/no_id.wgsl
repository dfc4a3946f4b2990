// The id of a row without any number in it.

const NO_ID: u32 = 0xffffffffu;
