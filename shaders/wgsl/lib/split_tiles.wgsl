// Positions in a split of `attention_coop`: half as many as of `attention`, since its workgroups are short of
// workgroup memory rather than of work.

const SPLIT: u32 = 128u;
