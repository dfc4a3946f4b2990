//! The choice of ids by the largest logit, the acceptance check, and replayed drafts.

use bytemuck::Zeroable;
use orthrus::shaders::params::{Argmax, Candidate};
use orthrus::shaders::{Candidates, CycleResult, Finish, Kernel, MAX_BLOCK, NO_ID, State, twin};

use super::operands::{among_others, pass, random_pass, random_rows};
use super::{Case, Expected, Instance, PLACES, RowInstance, Rows};
use crate::random::Random;

/// A case for each of these kernels.
pub fn cases() -> Vec<Case> {
    Kernel::all().into_iter().filter_map(case).collect()
}

fn case(kernel: Kernel) -> Option<Case> {
    Some(match kernel {
        Kernel::Argmax(Candidates::Logits) => Case::new(
            kernel,
            60,
            random_argmax,
            Rows::invariant(PLACES, |random, place| {
                let vocabulary = random.between(1, 3000);
                let row = random.units(vocabulary);
                let logits = among_others(random, &row, place);
                RowInstance {
                    key: "argmax".to_string(),
                    instance: argmax(pass(0, place.rows), 0, vocabulary, logits),
                    row: Box::new(move |loaded| vec![loaded.read::<u32>("ids")[place.at] as f32]),
                }
            }),
            |random| argmax(pass(0, 32), 0, 151_936, random.units(32 * 151_936)),
        ),
        Kernel::Argmax(Candidates::Best) => Case::new(
            kernel,
            50,
            |random| {
                let (rows, groups) = (random.between(1, 32), random.between(1, 400));
                argmax_of_best(rows, groups, random_candidates(random, rows, groups))
            },
            Rows::invariant(PLACES, |random, place| {
                let groups = random.between(1, 400);
                let row = random_candidates(random, 1, groups);
                let mut candidates = random_candidates(random, place.rows, groups);
                candidates[place.at * groups..][..groups].copy_from_slice(&row);
                RowInstance {
                    key: "argmax of the best".to_string(),
                    instance: argmax_of_best(place.rows, groups, candidates),
                    row: Box::new(move |loaded| vec![loaded.read::<u32>("ids")[place.at] as f32]),
                }
            }),
            |random| argmax_of_best(32, 9496, random_candidates(random, 32, 9496)),
        ),
        Kernel::Accept => Case::new(
            kernel,
            60,
            random_cycle,
            Rows::None("it looks at all rows of a block together"),
            |random| {
                let state = State { limit: 1 << 20, block: 32, ..pass(0, 32) };
                let tokens = vec![3; 1 << 20];
                let target_tokens = (0..MAX_BLOCK).map(|_| random.between(0, 9) as u32).collect();
                accept(state, tokens, target_tokens).moves(4 * 32 * 3)
            },
        ),
        Kernel::Replay => Case::new(
            kernel,
            50,
            |random| {
                let rows = random.between(0, MAX_BLOCK);
                let start = random.between(0, 50) as u32;
                let state = State { start, rows: rows as u32, ..State::zeroed() };
                let script = (0..200).map(|_| random.between(0, 900) as u32).collect();
                let tokens = (0..200).map(|_| random.between(1000, 1900) as u32).collect();
                replay(state, script, tokens)
            },
            Rows::None("it copies ids"),
            |_| replay(pass(0, 32), vec![1; 64], vec![2; 64]),
        ),
        _ => return None,
    })
}

/// The id of each row's largest logit.
pub fn argmax(state: State, draft: u32, vocabulary: usize, logits: Vec<f32>) -> Instance {
    let rows = state.rows as usize;
    let params = Argmax { candidates: vocabulary as u32, draft, pad: [0; 2] };
    let ids = vec![NO_ID - 1; state.start as usize + rows + 1];
    Instance::new(
        Kernel::Argmax(Candidates::Logits),
        params.grid(rows),
        format!("{state:?}, {params:?}"),
    )
    .with("state", &[state])
    .with("params", &[params])
    .with("logits", &logits)
    .with("ids", &ids)
    .expect(move || {
        let mut expected = ids;
        twin::argmax(&state, &params, &logits, &mut expected);
        vec![("ids", Expected::exactly(&expected))]
    })
}

fn random_argmax(random: &mut Random) -> Instance {
    let rows = random_rows(random);
    let any = random_pass(random, rows);
    let draft = random.between(0, 1) as u32;
    let state =
        if draft == 1 { State { logit_first: 0, logit_rows: rows as u32, ..any } } else { any };
    let vocabulary = random.between(1, 2000);
    let mut logits = random.units(rows * vocabulary);
    for row in logits.chunks_mut(vocabulary) {
        match random.between(0, 4) {
            // Ties, between lanes and within one.
            0 => row.iter_mut().for_each(|logit| *logit = (*logit * 3.0).round()),
            1 => row.fill(-1.5),
            2 => row[random.between(0, vocabulary - 1)] = f32::INFINITY,
            3 => row.iter_mut().for_each(|logit| *logit -= 1e30),
            _ => {}
        }
    }
    argmax(state, draft, vocabulary, logits)
}

/// Candidates of which some nearly tie, and some have no number.
fn random_candidates(random: &mut Random, rows: usize, groups: usize) -> Vec<Candidate> {
    (0..rows * groups)
        .map(|i| match random.between(0, 9) {
            0 => Candidate { logit: f32::NAN, id: NO_ID },
            _ => Candidate { logit: (4.0 * random.unit()).round(), id: (i % groups * 16) as u32 },
        })
        .collect()
}

fn argmax_of_best(rows: usize, groups: usize, best: Vec<Candidate>) -> Instance {
    let params = Argmax { candidates: groups as u32, draft: 0, pad: [0; 2] };
    Instance::new(Kernel::Argmax(Candidates::Best), params.grid(rows), format!("{rows} rows of {groups}"))
        .with("state", &[pass(0, rows)])
        .with("params", &[params])
        .with("best", &best)
        .with("ids", &vec![0u32; rows])
        .expect(move || {
            let largest = |row: &[Candidate]| {
                let numbers = row.iter().filter(|candidate| candidate.id != NO_ID);
                let nothing = Candidate { logit: f32::NEG_INFINITY, id: NO_ID };
                numbers.fold(nothing, |best, found| if found.logit > best.logit { *found } else { best }).id
            };
            let expected: Vec<u32> = best.chunks(groups).map(largest).collect();
            vec![("ids", Expected::exactly(&expected))]
        })
}

fn accept(state: State, tokens: Vec<u32>, target_tokens: Vec<u32>) -> Instance {
    let mut result = CycleResult::zeroed();
    result.target_tokens.fill(77);
    result.drafts.fill(77);
    Instance::new(Kernel::Accept, [1, 1, 1], format!("{state:?}"))
        .with("state", &[state])
        .with("tokens", &tokens)
        .with("target_tokens", &target_tokens)
        .with("result", &[result])
        .expect(move || {
            let (mut state, mut tokens, mut result) = (state, tokens, result);
            twin::accept(&mut state, &mut tokens, &target_tokens, &mut result);
            vec![
                ("state", Expected::exactly(&[state])),
                ("tokens", Expected::exactly(&tokens)),
                ("result", Expected::exactly(&[result])),
            ]
        })
}

fn random_cycle(random: &mut Random) -> Instance {
    let rows = random.between(1, MAX_BLOCK);
    let start = random.between(0, 50);
    let logit_first = if random.between(0, 3) == 0 { rows - 1 } else { 0 };
    let logit_rows = if random.between(0, 9) == 0 { 0 } else { rows - logit_first };
    let anchor = start + logit_first;
    // The budget ends within the block, right after it, or later.
    let room = random.pick(&[1, random.clone().between(1, rows), rows + 1, rows + 100]);
    let mut state = State {
        start: start as u32,
        rows: rows as u32,
        logit_first: logit_first as u32,
        logit_rows: logit_rows as u32,
        limit: (anchor + 1 + room) as u32,
        block: random.between(1, MAX_BLOCK) as u32,
        finish: Finish::Running as u32,
        end_count: random.between(0, 16) as u32,
        ..State::zeroed()
    };
    state.end_ids.fill_with(|| random.between(0, 40) as u32);
    let tokens: Vec<u32> = (0..anchor + 1 + rows + 100).map(|_| random.between(0, 60) as u32).collect();
    let mut target_tokens = vec![NO_ID; MAX_BLOCK];
    let agreeing = random.between(0, rows);
    for (i, target) in target_tokens.iter_mut().enumerate() {
        let draft = tokens[anchor + 1 + i];
        *target = if i < agreeing { draft } else { random.pick(&[draft + 1, draft + 1, NO_ID]) };
    }
    accept(state, tokens, target_tokens)
}

fn replay(state: State, script: Vec<u32>, tokens: Vec<u32>) -> Instance {
    Instance::new(Kernel::Replay, [1, 1, 1], format!("{state:?}"))
        .with("state", &[state])
        .with("script", &script)
        .with("tokens", &tokens)
        .expect(move || {
            let mut expected = tokens;
            twin::replay(&state, &script, &mut expected);
            vec![("tokens", Expected::exactly(&expected))]
        })
}
