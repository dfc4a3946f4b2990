//! The acceptance by position as an SVG: one panel a family, one bar a position of the block.

use std::fmt::Write;

use crate::report::{Family, Results};

const COLUMNS: usize = 2;
const PANEL: (f64, f64) = (400.0, 150.0);
/// Space around the bars of a panel: left, top, right, bottom.
const MARGIN: (f64, f64, f64, f64) = (46.0, 30.0, 12.0, 26.0);
const HEAD: f64 = 44.0;

/// Legible on white and on black: the colours follow the reader's preference.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}.small{font-size:11px;\
    fill:#666}.grid{stroke:#8886;stroke-width:1}.bar{fill:#2b6cb0}@media(prefers-color-scheme:dark){text{fill:#ddd}\
    .small{fill:#aaa}.bar{fill:#63a4ee}}";

/// Draws the first run.
pub(crate) fn draw(results: &Results) -> String {
    let families: &[Family] = results.runs.first().map_or(&[], |run| &run.families);
    let rows = families.len().div_ceil(COLUMNS);
    let (width, height) = (PANEL.0 * COLUMNS as f64, HEAD + PANEL.1 * rows as f64 + 8.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\"><title>Acceptance by position</title>\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"12\" y=\"18\">Share of cycles that accept the draft at each position of the \
         block</text>\n<text class=\"small\" x=\"12\" y=\"35\">position 1 follows the anchor; block size {}, \
         greedy, held-out prompts; t/c: tokens per cycle</text>\n",
        results.block_size
    );
    for (index, family) in families.iter().enumerate() {
        let x = PANEL.0 * (index % COLUMNS) as f64;
        let y = HEAD + PANEL.1 * (index / COLUMNS) as f64;
        panel(&mut svg, family, (x, y), results.block_size.saturating_sub(1));
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, family: &Family, (x, y): (f64, f64), positions: usize) {
    let (left, top) = (x + MARGIN.0, y + MARGIN.1);
    let (wide, high) = (PANEL.0 - MARGIN.0 - MARGIN.2, PANEL.1 - MARGIN.1 - MARGIN.3);
    let step = wide / positions.max(1) as f64;
    // Writing to a String cannot fail.
    let mut add = |line: String| svg.write_fmt(format_args!("{line}\n")).unwrap_or_default();
    let figures = &family.figures;
    add(format!(
        "<text class=\"title\" x=\"{left}\" y=\"{:.1}\">{}</text><text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" \
         text-anchor=\"end\">{:.1} t/c</text>",
        top - 9.0,
        family.name.replace('_', " "),
        left + wide,
        top - 9.0,
        figures.tokens_per_cycle.mean
    ));
    for percent in [0, 50, 100] {
        let at = top + high * (1.0 - f64::from(percent) / 100.0);
        add(format!(
            "<line class=\"grid\" x1=\"{left}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\"/><text class=\"small\" \
             x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{percent} %</text>",
            left + wide,
            left - 6.0,
            at + 4.0
        ));
    }
    for (index, share) in figures.accepted_by_position().into_iter().enumerate() {
        add(format!(
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>position {}: \
             {:.1} %</title></rect>",
            left + step * index as f64 + 1.0,
            top + high * (1.0 - share),
            step - 2.0,
            high * share,
            index + 1,
            100.0 * share
        ));
    }
    for position in [1, 8, 16, 24, positions].into_iter().filter(|&position| position <= positions) {
        add(format!(
            "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{position}</text>",
            left + step * (position as f64 - 0.5),
            top + high + 16.0
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figures;
    use crate::report::Run;

    #[test]
    fn a_bar_for_each_position_that_was_accepted() {
        let figures = Figures { acceptance_lengths: vec![1, 0, 1], ..Figures::default() };
        let family = Family { name: "word_problems".into(), figures };
        let run = Run {
            weights: "f32".into(),
            seconds_dual: 0.0,
            seconds_ar: 0.0,
            overall: Figures::default(),
            families: vec![family],
        };
        let results = Results {
            adapter: String::new(),
            backend: String::new(),
            driver: String::new(),
            tier: String::new(),
            block_size: 32,
            max_new_tokens: 1,
            runs: vec![run],
        };
        let svg = draw(&results);
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("word problems") && svg.contains("position 2: 50.0 %"), "{svg}");
    }
}
