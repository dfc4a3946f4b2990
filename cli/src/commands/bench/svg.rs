//! The results as an SVG: tokens per second by context, and acceptance by position.

use std::fmt::Write;

use crate::commands::bench::results::Results;
use crate::commands::bench::spread::Spread;

const WIDTH: f64 = 760.0;
const HEAD: f64 = 64.0;
const PANEL: f64 = 240.0;
/// The margins of a panel: left, top, right, bottom.
const MARGIN: (f64, f64, f64, f64) = (64.0, 30.0, 120.0, 34.0);

/// The colours follow the reader's preference for a light or a dark page.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}.small{font-size:11px;\
    fill:#666}.grid{stroke:#8886;stroke-width:1}.bar{fill:#2b6cb0}.line{fill:none;stroke-width:2}.s0{stroke:#2b6cb0}\
    .s1{stroke:#c05621}.s2{stroke:#6b7280}.n0{fill:#2b6cb0}.n1{fill:#c05621}.n2{fill:#6b7280}\
    @media(prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#aaa}.bar{fill:#63a4ee}.s0{stroke:#63a4ee}\
    .s1{stroke:#ed8936}.s2{stroke:#a0aec0}.n0{fill:#63a4ee}.n1{fill:#ed8936}.n2{fill:#a0aec0}}";

/// The SVG, with both panels.
pub(crate) fn draw(results: &Results) -> String {
    let height = HEAD + 2.0 * PANEL + 8.0;
    let weights = if results.synthetic { ", random weights" } else { "" };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\"><title>{title}</title>\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"12\" y=\"18\">{title}</text>\n\
         <text class=\"small\" x=\"12\" y=\"35\">{} ({}), tier {}, {}</text>\n\
         <text class=\"small\" x=\"12\" y=\"51\">replayed acceptance, {}{weights}</text>\n",
        escaped(&results.adapter),
        escaped(&results.driver),
        results.tier,
        results.date,
        escaped(&results.acceptance.source),
        title = escaped(&format!("{}, {}", results.model, results.dtype)),
    );
    speeds(&mut svg, results);
    acceptance(&mut svg, results);
    svg.push_str("</svg>\n");
    svg
}

/// Draws a line for each way to decode, over the contexts. A stroke at each point spans the least to the most.
fn speeds(svg: &mut String, results: &Results) {
    let mut lines: Vec<(String, Vec<Option<Spread>>)> = Vec::new();
    let dual = |at: usize| results.contexts[at].dual.as_ref().map(|dual| dual.tokens_per_second);
    lines.push(("dual view".to_string(), (0..results.contexts.len()).map(dual).collect()));
    let kernels = results.contexts.first().map_or(0, |context| context.ar.len());
    for kernel in 0..kernels {
        let name = results.contexts[0].ar[kernel].kernel.unwrap_or("exact");
        let figures =
            results.contexts.iter().map(|at| at.ar.get(kernel).map(|ar| ar.tokens_per_second)).collect();
        lines.push((format!("AR view, {name}"), figures));
    }
    let most =
        lines.iter().flat_map(|(_, at)| at.iter().flatten()).fold(0.0, |most: f64, at| most.max(at.most));
    let top = round_up(most);
    let frame = Frame::new(HEAD, "Tokens per second by context");
    frame.grid(svg, [0.0, 0.5, 1.0].map(|share| (share, format!("{:.0}", share * top))));
    let x = |index: usize| frame.x((index as f64 + 0.5) / results.contexts.len().max(1) as f64);
    for (index, context) in results.contexts.iter().enumerate() {
        frame.below(svg, x(index), &context.context.to_string());
    }
    let mut ends = Vec::new();
    for (series, (name, figures)) in lines.iter().enumerate() {
        let points: Vec<(f64, Spread)> =
            figures.iter().enumerate().filter_map(|(index, at)| Some((x(index), (*at)?))).collect();
        let Some((end, last)) = points.last() else { continue };
        let path: Vec<String> =
            points.iter().map(|(x, at)| format!("{x:.1},{:.1}", frame.y(at.median / top))).collect();
        add(svg, format!("<polyline class=\"line s{series}\" points=\"{}\"/>", path.join(" ")));
        for (x, at) in &points {
            add(
                svg,
                format!(
                    "<line class=\"line s{series}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\
                     <circle class=\"line s{series}\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"3\"><title>{:.1} tokens/s ({:.1} \
                     to {:.1})</title></circle>",
                    frame.y(at.least / top),
                    frame.y(at.most / top),
                    frame.y(at.median / top),
                    at.median,
                    at.least,
                    at.most
                ),
            );
        }
        ends.push((frame.y(last.median / top) + 4.0, *end + 10.0, series, name));
    }
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    let places = apart(ends.iter().map(|end| end.0));
    for ((_, x, series, name), y) in ends.iter().zip(places) {
        add(svg, format!("<text class=\"small n{series}\" x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>"));
    }
}

/// Moves the names at the ends of lines down, so that they do not cover one another. `ends` is sorted.
fn apart(ends: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut last = f64::NEG_INFINITY;
    ends.map(|end| {
        last = end.max(last + 13.0);
        last
    })
    .collect()
}

/// Draws a bar for each position of the block.
fn acceptance(svg: &mut String, results: &Results) {
    let shares = results.acceptance.by_position(results.block_size);
    let frame =
        Frame::new(HEAD + PANEL, "Share of cycles that accept the draft at each position of the block");
    frame.grid(svg, [0.0, 0.5, 1.0].map(|share| (share, format!("{:.0} %", share * 100.0))));
    let step = (frame.x(1.0) - frame.x(0.0)) / shares.len().max(1) as f64;
    for (index, share) in shares.iter().enumerate() {
        add(
            svg,
            format!(
                "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>position {}: \
                 {:.1} %</title></rect>",
                frame.x(0.0) + step * index as f64 + 1.0,
                frame.y(*share),
                (step - 2.0).max(1.0),
                frame.y(0.0) - frame.y(*share),
                index + 1,
                100.0 * share
            ),
        );
        if index % 8 == 7 || index == 0 {
            frame.below(svg, frame.x(0.0) + step * (index as f64 + 0.5), &(index + 1).to_string());
        }
    }
}

/// The place of a panel on the page.
struct Frame {
    top: f64,
    title: &'static str,
}

impl Frame {
    fn new(top: f64, title: &'static str) -> Frame {
        Frame { top: top + MARGIN.1, title }
    }

    fn x(&self, share: f64) -> f64 {
        MARGIN.0 + share * (WIDTH - MARGIN.0 - MARGIN.2)
    }

    fn y(&self, share: f64) -> f64 {
        self.top + (1.0 - share) * (PANEL - MARGIN.1 - MARGIN.3)
    }

    fn grid<const N: usize>(&self, svg: &mut String, lines: [(f64, String); N]) {
        let (left, right) = (self.x(0.0), self.x(1.0));
        add(
            svg,
            format!("<text class=\"title\" x=\"{left}\" y=\"{:.1}\">{}</text>", self.top - 9.0, self.title),
        );
        for (share, label) in lines {
            let y = self.y(share);
            add(
                svg,
                format!(
                    "<line class=\"grid\" x1=\"{left}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/><text \
                     class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                    left - 6.0,
                    y + 4.0
                ),
            );
        }
    }

    fn below(&self, svg: &mut String, x: f64, label: &str) {
        let y = self.y(0.0) + 16.0;
        add(
            svg,
            format!("<text class=\"small\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>"),
        );
    }
}

fn add(svg: &mut String, line: String) {
    // Writing to a String cannot fail.
    _ = writeln!(svg, "{line}");
}

/// The end of an axis: the least of 1, 2, 5, 10, 20, … that is no less than `value`.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|end| *end >= value).unwrap_or(value)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{apart, escaped, round_up};

    #[test]
    fn names_stand_in_the_order_of_their_lines() {
        assert_eq!(apart([20.0, 90.0, 93.0, 94.0, 200.0].into_iter()), [20.0, 90.0, 103.0, 116.0, 200.0]);
    }

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!([0.0, 3.0, 10.0, 12.0, 513.0].map(round_up), [1.0, 5.0, 10.0, 20.0, 1000.0]);
    }

    #[test]
    fn names_cannot_break_the_picture() {
        assert_eq!(escaped("a<b> & c"), "a&lt;b&gt; &amp; c");
    }
}
