//! A lane: one session, and the generation in progress on it.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use js_sys::Function;
use orthrus::loader::{GenerationConfig, TextStream, Tokenizer};
use orthrus::{
    AcceptRule, Decoding, FinishReason, GenerateOptions, Generation, Progress, Sampling, Session, Stats,
};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::error::{self, Kind, js_error};
use crate::object::object;

/// Decodes one text at a time. A call during another one throws; only [`Lane::stop`] may overlap.
#[wasm_bindgen]
pub struct Lane {
    state: RefCell<State>,
    /// Whether the answer ends when the call in progress returns.
    stopping: Cell<bool>,
    tokenizer: Option<Tokenizer>,
    generation: GenerationConfig,
}

enum State {
    Idle(Box<Session>),
    Answering(Box<Answer>),
    /// A call in progress holds the session.
    InUse,
}

struct Answer {
    generation: Generation<Box<Session>>,
    /// `None` once its last characters were returned.
    text: Option<TextStream>,
}

/// What to generate: `{view, maxNewTokens, blockSize, endIds, temperature, topK, topP, seed, accept}`.
///
/// Only `maxNewTokens` is required. Defaults come from the checkpoint; `view` is `dual` and `accept` is `coupled`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    #[serde(default)]
    view: Option<String>,
    max_new_tokens: usize,
    block_size: Option<usize>,
    end_ids: Option<Vec<u32>>,
    temperature: Option<f32>,
    top_k: Option<u32>,
    top_p: Option<f32>,
    seed: Option<u64>,
    accept: Option<String>,
}

/// Tokens that became certain together, as [`Lane::next`] returns them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    /// The text of these tokens, without an id that ends the answer. Incomplete characters wait for the next run.
    text: String,
    ids: Vec<u32>,
    /// `None` for the first token, which comes from the prefill.
    cycle: Option<Cycle>,
    /// `stop` or `length` in the last run, else `None`.
    finish: Option<&'static str>,
    stats: Statistics,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cycle {
    rows: usize,
    drafts: Vec<u32>,
    acceptance_length: usize,
    /// The text of the drafts that were rejected.
    rejected: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    prompt_tokens: usize,
    new_tokens: usize,
    forward_passes: usize,
    cycles: usize,
    tokens_per_cycle: f64,
    tpf: f64,
}

impl From<&Stats> for Statistics {
    fn from(stats: &Stats) -> Statistics {
        Statistics {
            prompt_tokens: stats.prompt_tokens,
            new_tokens: stats.new_tokens,
            forward_passes: stats.forward_passes,
            cycles: stats.cycles(),
            tokens_per_cycle: stats.tokens_per_cycle(),
            tpf: stats.tpf(),
        }
    }
}

#[wasm_bindgen]
impl Lane {
    /// Starts an answer to `prompt`. An answer in progress ends first.
    ///
    /// Calls `progress(done, total)` with the prompt's tokens as the prefill goes on.
    pub async fn start(&self, prompt: Vec<u32>, options: JsValue, progress: Function) -> Result<(), JsValue> {
        let options = self.options(options)?;
        let session = match self.take()? {
            State::Answering(answer) => answer.generation.into_session(),
            State::Idle(session) => session,
            State::InUse => return Err(in_use()),
        };
        self.stopping.set(false);
        let mut on_progress = |Progress { done, total }| {
            // An exception in the page's callback does not end the prefill.
            let _ = progress.call2(&JsValue::NULL, &(done as f64).into(), &(total as f64).into());
            if self.stopping.get() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match Generation::start(session, &prompt, &options, &mut on_progress).await {
            Ok(generation) => {
                let text = self.tokenizer.as_ref().map(Tokenizer::stream);
                self.put(State::Answering(Box::new(Answer { generation, text })));
                Ok(())
            }
            Err((session, error)) => {
                self.put(State::Idle(session));
                Err(error::engine(error))
            }
        }
    }

    /// The next run, or undefined at the end: `{text, ids, cycle, finish, stats}`.
    ///
    /// `cycle` is `{rows, drafts, acceptanceLength, rejected}`, or undefined for the first token.
    pub async fn next(&self) -> Result<JsValue, JsValue> {
        self.run(true).await
    }

    /// The next run from cycles in flight, or undefined when none is left. Submits no more cycles.
    ///
    /// A page that shares the GPU between lanes uses it to pause a lane.
    #[wasm_bindgen(js_name = nextInFlight)]
    pub async fn next_in_flight(&self) -> Result<JsValue, JsValue> {
        self.run(false).await
    }

    /// Ends the answer. If another call is in progress, the answer ends when that call returns.
    pub fn stop(&self) {
        self.stopping.set(true);
        if let Ok(state) = self.take() {
            self.put(state);
        }
    }
}

impl Lane {
    pub(crate) fn new(session: Session, tokenizer: Option<Tokenizer>, generation: GenerationConfig) -> Lane {
        let state = RefCell::new(State::Idle(Box::new(session)));
        Lane { state, stopping: Cell::new(false), tokenizer, generation }
    }

    /// Takes the state for the length of a call.
    fn take(&self) -> Result<State, JsValue> {
        match self.state.replace(State::InUse) {
            State::InUse => Err(in_use()),
            state => Ok(state),
        }
    }

    /// Puts the state back. Ends the answer if `stop` was called meanwhile.
    fn put(&self, state: State) {
        let state = match state {
            State::Answering(answer) if self.stopping.get() => State::Idle(answer.generation.into_session()),
            state => state,
        };
        self.state.replace(state);
    }

    async fn run(&self, submit_ahead: bool) -> Result<JsValue, JsValue> {
        let mut answer = match self.take()? {
            State::Answering(answer) => answer,
            idle => {
                self.put(idle);
                return Ok(JsValue::UNDEFINED);
            }
        };
        let generation = &mut answer.generation;
        let run =
            if submit_ahead { generation.next_run().await } else { generation.next_run_in_flight().await };
        let described = match run {
            None => Ok(JsValue::UNDEFINED),
            Some(run) => run.map_err(error::engine).and_then(|run| self.describe(&mut answer, run)),
        };
        self.put(State::Answering(answer));
        described
    }

    fn describe(&self, answer: &mut Answer, run: orthrus::Run) -> Result<JsValue, JsValue> {
        let finish = answer.generation.finish_reason();
        let ends = usize::from(finish == Some(FinishReason::Stop));
        let mut text = String::new();
        if let Some(stream) = &mut answer.text {
            text += &stream.push(&run.ids[..run.ids.len() - ends]).map_err(error::text)?;
        }
        if let Some(stream) = answer.text.take_if(|_| finish.is_some()) {
            text += &stream.finish().map_err(error::text)?;
        }
        let cycle = run.cycle.map(|cycle| Cycle {
            rejected: self.decode(&cycle.drafts[cycle.acceptance_length.min(cycle.drafts.len())..]),
            rows: cycle.rows,
            acceptance_length: cycle.acceptance_length,
            drafts: cycle.drafts,
        });
        let stats = answer.generation.stats().into();
        object(&Run { text, ids: run.ids, cycle, finish: finish.map(FinishReason::name), stats })
    }

    /// Text to look at: empty if the ids cannot be decoded.
    fn decode(&self, ids: &[u32]) -> String {
        self.tokenizer.as_ref().and_then(|tokenizer| tokenizer.decode(ids).ok()).unwrap_or_default()
    }

    fn options(&self, given: JsValue) -> Result<GenerateOptions, JsValue> {
        let refused = |message: &str| js_error(Kind::Request, message);
        let given: Options =
            serde_wasm_bindgen::from_value(given).map_err(|error| refused(&error.to_string()))?;
        let decoding = match given.view.as_deref() {
            Some("dual") | None => Decoding::Dual,
            Some("ar") => Decoding::Ar,
            Some(other) => return Err(refused(&format!("a view is dual or ar, not {other}"))),
        };
        let accept = match given.accept.as_deref() {
            Some("coupled") | None => AcceptRule::Coupled,
            Some("rejection") => AcceptRule::Rejection,
            Some(other) => return Err(refused(&format!("accept is coupled or rejection, not {other}"))),
        };
        let suggested = Sampling::suggested(&self.generation);
        let sampling = Sampling {
            temperature: given.temperature.unwrap_or(suggested.temperature),
            top_k: given.top_k.unwrap_or(suggested.top_k),
            top_p: given.top_p.unwrap_or(suggested.top_p),
            seed: given.seed.unwrap_or(suggested.seed),
            accept,
        };
        Ok(GenerateOptions {
            max_new_tokens: given.max_new_tokens,
            decoding,
            block_size: given.block_size,
            end_ids: given.end_ids,
            sampling,
            ..GenerateOptions::default()
        })
    }
}

fn in_use() -> JsValue {
    js_error(Kind::Request, "this lane is in use: wait until its last call has returned")
}
