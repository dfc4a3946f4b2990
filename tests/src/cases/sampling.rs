//! Sampling: parts of a row's logits, the cut of temperature, top-k and top-p, the draw, and rejection.

use bytemuck::Zeroable;
use orthrus::shaders::params::{Argmax, Candidate, LogitPart, Reject, Sampling, SamplingCut};
use orthrus::shaders::{Acceptance, Candidates, Kernel, NO_ID, State, twin};

use super::operands::among_others;
use super::{Case, Expected, Instance, Loaded, PLACES, Place, RowInstance, Rows};
use crate::random::Random;

/// Scores closer than this may be rounded either way.
const CLEAR: f64 = 1e-4;

/// Ids of the released models.
const VOCABULARY: usize = 151_936;

/// A case for each of these kernels.
pub fn cases() -> Vec<Case> {
    Kernel::all().into_iter().filter_map(case).collect()
}

fn case(kernel: Kernel) -> Option<Case> {
    Some(match kernel {
        Kernel::LogitParts => Case::new(
            kernel,
            50,
            random_parts,
            Rows::invariant(PLACES, |random, place| {
                let row = Row::new(random, place, place.rows);
                let params = row.params;
                RowInstance {
                    key: "logit_parts".to_string(),
                    instance: logit_parts(row.state, params, row.logits),
                    row: Box::new(move |loaded| {
                        let parts = params.parts as usize;
                        let of_row = loaded.read::<LogitPart>("parts")[place.at * parts..][..parts].to_vec();
                        let halves = |key: u32| [(key >> 16) as f32, (key & 0xffff) as f32];
                        of_row.iter().flat_map(|part| halves(part.key).into_iter().chain([part.mass])).collect()
                    }),
                }
            }),
            |random| {
                let (state, logits) = usual(random);
                logit_parts(state, Sampling::new(VOCABULARY, false), logits)
            },
        ),
        Kernel::SamplingCut => Case::new(
            kernel,
            50,
            |random| {
                let rows = random.between(1, 20);
                let vocabulary = random.pick(&[
                    1,
                    2,
                    7,
                    70_000,
                    random.clone().between(1, 400),
                    random.clone().between(1, 5000),
                ]);
                let params = Sampling::new(vocabulary, random.between(0, 1) == 1);
                let logits = random_logits(random, rows, vocabulary);
                sampling_cut(random_state(random, rows), params, logits)
            },
            Rows::invariant(PLACES, |random, place| {
                let row = Row::new(random, place, place.rows);
                RowInstance {
                    key: "sampling_cut".to_string(),
                    instance: sampling_cut(row.state, row.params, row.logits),
                    row: Box::new(move |loaded| {
                        let cut = loaded.read::<SamplingCut>("cuts")[place.at];
                        let last = [(cut.last_id >> 16) as f32, (cut.last_id & 0xffff) as f32];
                        // Where everything remains, the cut is the lowest number.
                        let least = if cut.cut == f32::NEG_INFINITY { f32::MIN } else { cut.cut };
                        [cut.highest, least, cut.mass].into_iter().chain(last).collect()
                    }),
                }
            }),
            |random| {
                let (state, logits) = usual(random);
                let params = Sampling::new(VOCABULARY, false);
                let mut parts = vec![LogitPart::zeroed(); 32 * params.parts as usize];
                twin::logit_parts(&state, &params, &logits, &mut parts);
                cut_of_parts(state, params, logits, &parts)
            },
        ),
        Kernel::Sample => Case::new(
            kernel,
            50,
            |random| {
                let rows = random.between(1, 20);
                let vocabulary = random.pick(&[1, 7, random.clone().between(1, 3000)]);
                let params = Sampling::new(vocabulary, random.between(0, 1) == 1);
                let state = random_state(random, rows);
                let logits = random_logits(random, rows, vocabulary);
                let cuts = cuts_of(&state, &params, &logits);
                drawn(state, params, logits, cuts)
            },
            Rows::invariant(PLACES, |random, place| {
                let row = Row::new(random, place, place.rows);
                let cuts = cuts_of(&row.state, &row.params, &row.logits);
                RowInstance {
                    key: "sample".to_string(),
                    instance: drawn(row.state, row.params, row.logits, cuts),
                    row: Box::new(move |loaded| {
                        let groups = row.params.groups as usize;
                        let best = loaded.read::<Candidate>("best")[place.at * groups..][..groups].to_vec();
                        let of = |best: &Candidate| match best.id {
                            NO_ID => [-1.0, -1.0],
                            id => [best.logit, id as f32],
                        };
                        let id = loaded.read::<u32>("ids")[place.at] as f32;
                        best.iter().flat_map(of).chain([id]).collect()
                    }),
                }
            }),
            |random| {
                let (state, logits) = usual(random);
                let params = Sampling::new(VOCABULARY, false);
                let cuts = cuts_of(&state, &params, &logits);
                sample(state, params, &logits, &cuts)
            },
        ),
        Kernel::Reject(_) => Case::new(
            kernel,
            40,
            move |random| {
                let rows = random.between(1, 20);
                let vocabulary = random.between(2, 1000);
                let state = random_state(random, rows);
                let logits = random_logits(random, rows, vocabulary);
                let draft_logits = near(random, &logits);
                reject(kernel, state, logits, draft_logits)
            },
            Rows::invariant(PLACES, move |random, place| {
                // The last row has no draft.
                let rows = place.rows + 1;
                let mut row = Row::new(random, place, rows);
                row.state.acceptance = Acceptance::Rejection as u32;
                let vocabulary = row.params.vocabulary as usize;
                let own = row.logits[place.at * vocabulary..][..vocabulary].to_vec();
                let mut drafted = Random::new(row.noise);
                let own_draft = near(&mut drafted, &own);
                let mut draft_logits = near(random, &row.logits);
                draft_logits[place.at * vocabulary..][..vocabulary].copy_from_slice(&own_draft);
                RowInstance {
                    key: format!("{kernel:?}"),
                    instance: reject(kernel, row.state, row.logits, draft_logits),
                    row: Box::new(move |loaded: &Loaded<'_>| {
                        vec![loaded.read::<u32>("target_tokens")[place.at] as f32]
                    }),
                }
            }),
            move |random| {
                let (state, logits) = usual(random);
                let draft_logits = near(random, &logits);
                reject(kernel, State { acceptance: Acceptance::Rejection as u32, ..state }, logits, draft_logits)
            },
        ),
        _ => return None,
    })
}

/// A row at the same position wherever it is in the pass, among others.
struct Row {
    state: State,
    params: Sampling,
    logits: Vec<f32>,
    /// A random number of the row's own.
    noise: u64,
}

impl Row {
    /// The pass has `rows` rows, `place.rows` or more.
    fn new(random: &mut Random, place: Place, rows: usize) -> Row {
        let vocabulary = random.pick(&[random.clone().between(2, 400), random.clone().between(2, 3000)]);
        let own = random_logits(random, 1, vocabulary);
        let state = random_state(random, rows);
        let noise = random.bits();
        let start = state.start + 40 - place.at as u32;
        let mut logits = among_others(random, &own, place);
        logits.extend(random.units((rows - place.rows) * vocabulary));
        let logit_rows = rows as u32;
        let state = State { start, rows: logit_rows, logit_rows, ..state };
        Row { state, params: Sampling::new(vocabulary, false), logits, noise }
    }
}

/// A state that samples in any way.
pub fn random_state(random: &mut Random, rows: usize) -> State {
    State {
        start: random.between(0, 60) as u32,
        rows: rows as u32,
        logit_rows: rows as u32,
        acceptance: random.pick(&[Acceptance::Coupled, Acceptance::Rejection]) as u32,
        inverse_temperature: 1.0 / random.pick(&[0.3, 0.7, 1.0, 1.7, 100.0]),
        top_k: random.pick(&[0, 0, 1, 5, 20, 1000]),
        top_p: random.pick(&[0.0, 0.3, 0.8, 0.95, 1.0]),
        seed: [random.bits() as u32, random.bits() as u32],
        ..State::zeroed()
    }
}

/// A block as it is sampled by default, of a model as large as the released ones.
fn usual(random: &mut Random) -> (State, Vec<f32>) {
    let state =
        State { inverse_temperature: 1.0 / 0.7, top_k: 20, top_p: 0.8, ..super::operands::pass(0, 32) };
    (state, (0..32 * VOCABULARY).map(|_| 6.0 * random.unit()).collect())
}

/// Rows of logits: spread, flat, peaked, tied.
fn random_logits(random: &mut Random, rows: usize, vocabulary: usize) -> Vec<f32> {
    let mut logits = Vec::new();
    for _ in 0..rows {
        let scale = random.pick(&[0.5, 3.0, 12.0]);
        let tied = random.between(0, 2) == 0;
        logits.extend((0..vocabulary).map(|_| {
            let logit = scale * random.normal();
            if tied { logit.round() } else { logit }
        }));
    }
    logits
}

/// Logits that differ a little, or a little more.
fn near(random: &mut Random, logits: &[f32]) -> Vec<f32> {
    let how = random.unit();
    logits.iter().map(|logit| logit + how * random.normal()).collect()
}

fn logit_parts(state: State, params: Sampling, logits: Vec<f32>) -> Instance {
    let rows = state.rows as usize;
    let nothing = vec![LogitPart::zeroed(); rows * params.parts as usize];
    Instance::new(Kernel::LogitParts, params.grid(rows), format!("{state:?}, {params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("logits", &logits)
        .with("parts", &nothing)
        .expect(move || {
            let mut expected = nothing;
            twin::logit_parts(&state, &params, &logits, &mut expected);
            let fault = move |found: &[LogitPart]| {
                for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let close = (found.mass - expected.mass).abs() <= 1e-5 * expected.mass;
                    if found.key != expected.key || !close {
                        return Err(format!("part {at} is {found:?}, should be {expected:?}"));
                    }
                }
                Ok(())
            };
            vec![("parts", Expected::such(fault))]
        })
}

fn random_parts(random: &mut Random) -> Instance {
    let rows = random.between(1, 20);
    let vocabulary = random.pick(&[1, 2, 128, random.clone().between(1, 5000)]);
    let state = random_state(random, rows);
    let params = Sampling::new(vocabulary, random.between(0, 1) == 1);
    let mut logits = random_logits(random, rows, vocabulary);
    for _ in 0..vocabulary / 50 {
        let any = random.between(0, logits.len() - 1);
        logits[any] = random.pick(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0]);
    }
    logit_parts(state, params, logits)
}

/// What `sampling_cut` finds, of parts that `logit_parts` found.
pub fn sampling_cut(state: State, params: Sampling, logits: Vec<f32>) -> Instance {
    let rows = state.rows as usize;
    let parts = vec![LogitPart::zeroed(); rows * params.parts as usize];
    let what = format!("{state:?}, {params:?}");
    let first = Instance::new(Kernel::LogitParts, params.grid(rows), what);
    expect_cuts(
        first.with("parts", &parts).then(Kernel::SamplingCut, params.row_grid(rows), &[]),
        state,
        params,
        logits,
    )
}

/// The same, of given parts.
fn cut_of_parts(state: State, params: Sampling, logits: Vec<f32>, parts: &[LogitPart]) -> Instance {
    let grid = params.row_grid(state.rows as usize);
    let instance = Instance::new(Kernel::SamplingCut, grid, format!("{state:?}, {params:?}"));
    expect_cuts(instance.with("parts", parts), state, params, logits)
}

fn expect_cuts(instance: Instance, state: State, params: Sampling, logits: Vec<f32>) -> Instance {
    let nothing = vec![SamplingCut::zeroed(); state.rows as usize];
    instance
        .with("state", &[state])
        .with("params", &[params])
        .with("logits", &logits)
        .with("cuts", &nothing)
        .expect(move || {
            let mut expected = nothing;
            twin::sampling_cut(&state, &params, &logits, &mut expected);
            let fault = move |found: &[SamplingCut]| {
                let mut pairs = found.iter().zip(&expected).enumerate();
                pairs.try_for_each(|(row, (found, expected))| same_cut(found, expected, row))
            };
            vec![("parts", Expected::Scratch), ("cuts", Expected::such(fault))]
        })
}

/// Whether two cuts of row `row` leave the same ids.
///
/// # Errors
/// They do not.
pub fn same_cut(found: &SamplingCut, expected: &SamplingCut, row: usize) -> Result<(), String> {
    let close = |a: f32, b: f32| a == b || (a - b).abs() <= 1e-5 * b.abs();
    let same = close(found.highest, expected.highest)
        && close(found.cut, expected.cut)
        && found.last_id == expected.last_id
        && close(found.mass, expected.mass);
    // Where everything remains, any cut at or below the lowest will do.
    let whole = close(found.mass, expected.mass) && found.cut <= expected.cut && found.last_id == u32::MAX;
    if same || whole { Ok(()) } else { Err(format!("row {row}: {found:?}, should be {expected:?}")) }
}

fn cuts_of(state: &State, params: &Sampling, logits: &[f32]) -> Vec<SamplingCut> {
    let mut cuts = vec![SamplingCut::zeroed(); state.rows as usize];
    twin::sampling_cut(state, params, logits, &mut cuts);
    cuts
}

fn sample(state: State, params: Sampling, logits: &[f32], cuts: &[SamplingCut]) -> Instance {
    let rows = state.rows as usize;
    let nothing = vec![Candidate { logit: 0.0, id: NO_ID }; rows * params.groups as usize];
    Instance::new(Kernel::Sample, params.grid(rows), format!("{state:?}, {params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("logits", logits)
        .with("cuts", cuts)
        .with("best", &nothing)
}

/// `sample` and the `argmax` after it.
fn drawn(state: State, params: Sampling, logits: Vec<f32>, cuts: Vec<SamplingCut>) -> Instance {
    let rows = state.rows as usize;
    let ids = vec![NO_ID - 1; state.start as usize + rows + 1];
    let argmax = Argmax { candidates: params.groups, draft: params.draft, pad: [0; 2] };
    sample(state, params, &logits, &cuts)
        .with("argmax", &[argmax])
        .with("ids", &ids)
        .then(Kernel::Argmax(Candidates::Best), argmax.grid(rows), &[("params", "argmax")])
        .expect(move || {
            let mut expected = ids;
            let leads = twin::sample(&state, &params, &logits, &cuts, &mut expected);
            let first = if params.draft == 1 { state.start as usize + 1 } else { 0 };
            vec![("best", Expected::Scratch), ("ids", where_clear(expected, first, leads))]
        })
}

/// These ids. An id whose score leads by little may be another.
fn where_clear(expected: Vec<u32>, first: usize, leads: Vec<f64>) -> Expected {
    Expected::such(move |found: &[u32]| {
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let lead = at.checked_sub(first).and_then(|row| leads.get(row));
            if found != expected && lead.is_none_or(|lead| *lead >= CLEAR) {
                return Err(format!("id {at} is {found}, should be {expected}"));
            }
        }
        Ok(())
    })
}

fn reject(kernel: Kernel, state: State, logits: Vec<f32>, draft_logits: Vec<f32>) -> Instance {
    let rows = state.rows as usize;
    let vocabulary = logits.len() / rows;
    let params = Reject { vocabulary: vocabulary as u32, pad: [0; 3] };
    let sampling = Sampling::new(vocabulary, false);
    let cuts = cuts_of(&state, &sampling, &logits);
    let draft_cuts = cuts_of(&state, &sampling, &draft_logits);
    let mut tokens = vec![0; state.start as usize + rows + 1];
    twin::sample(&state, &Sampling::new(vocabulary, true), &draft_logits, &draft_cuts, &mut tokens);
    let target_tokens = vec![NO_ID - 1; rows];
    Instance::new(kernel, params.grid(rows), format!("{state:?}, {params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("logits", &logits)
        .with("cuts", &cuts)
        .with("draft_logits", &draft_logits)
        .with("draft_cuts", &draft_cuts)
        .with("tokens", &tokens)
        .with("target_tokens", &target_tokens)
        .expect(move || {
            let mut expected = target_tokens;
            let leads = twin::reject(
                &state,
                &params,
                &logits,
                &cuts,
                &draft_logits,
                &draft_cuts,
                &tokens,
                &mut expected,
            );
            vec![("target_tokens", where_clear(expected, 0, leads))]
        })
}
