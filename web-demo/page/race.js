// A race on the page. Runs are shown once a frame, and kept: to compare both texts, and for slow motion.

import { Histogram } from "./histogram.js";
import { Pane } from "./pane.js";

/** How long a cycle of the dual view takes in slow motion, in ms. */
const SLOW_CYCLE_MS = 500;

const element = (id) => document.getElementById(id);

export class Race {
  constructor() {
    this.panes = { ar: new Pane(element("ar"), false), dual: new Pane(element("dual"), true) };
    this.histogram = new Histogram(element("histogram"));
    this.events = [];
    this.pending = [];
    /** Whether the adapter is a software GPU. */
    this.software = false;
  }

  /** Starts a race with blocks of `rows` rows. */
  begin(rows) {
    this.rows = rows;
    this.events = [];
    this.clear();
  }

  clear() {
    clearTimeout(this.playing);
    this.playing = undefined;
    this.pending = [];
    for (const pane of Object.values(this.panes)) {
      pane.clear();
    }
    this.histogram.resize(this.rows);
    element("histogram-most").textContent = this.rows - 1;
    this.showVerdict("", "");
  }

  /** Keeps and shows a run that arrived. */
  add(event) {
    this.events.push(event);
    this.show(event);
  }

  show(event) {
    this.pending.push(event);
    this.frame ??= requestAnimationFrame(() => this.render());
  }

  /** Shows the pending runs now. */
  render() {
    cancelAnimationFrame(this.frame);
    this.frame = undefined;
    const events = this.pending;
    this.pending = [];
    for (const [view, pane] of Object.entries(this.panes)) {
      const own = events.filter((event) => event.view === view);
      if (own.length > 0) {
        pane.add(own);
      }
    }
    const cycles = events.filter((event) => event.view === "dual" && event.run.cycle);
    if (cycles.length > 0) {
      this.histogram.add(cycles.map((event) => event.run.cycle.acceptanceLength));
    }
  }

  /** Ends the race: compares both texts from first to last, and shows the verdict. */
  judge(stopped) {
    this.render();
    const of = (view) => this.events.filter((event) => event.view === view).map((event) => event.run);
    const { ids: ar, text: arText, last: arLast, clock: arClock } = joined(of("ar"), this.clockOf("ar"));
    const { ids: dual, text: dualText, last, clock } = joined(of("dual"), this.clockOf("dual"));
    if (!last && stopped) {
      this.showVerdict("", "Stopped before there was anything to compare.");
      return;
    }
    if (!last) {
      this.showVerdict("", `${count(ar.length, "token")} in the AR view. This checkpoint has no diffusion view to race with.`);
      return;
    }
    const common = Math.min(ar.length, dual.length);
    const parted = ar.slice(0, common).findIndex((id, at) => id !== dual[at]);
    const sameText = arText.startsWith(dualText) || dualText.startsWith(arText);
    if (parted >= 0 || !sameText || (!stopped && (ar.length !== dual.length || arText !== dualText))) {
      this.showVerdict("bad", `NOT identical: the views part at token ${parted >= 0 ? parted + 1 : common + 1}. That is a bug.`);
    } else if (stopped) {
      this.showVerdict("good", `Stopped. Identical as far as both had come: ${count(common, "token")}.`);
    } else {
      const characters = count([...arText].length, "character");
      const speed = clock > 0 && arClock > 0 ? `, ${(arClock / clock).toFixed(2)} times the speed here` : "";
      this.showVerdict(
        "good",
        `Identical text: all ${count(ar.length, "token")} and ${characters}, compared one by one. ` +
          `${count(last.stats.forwardPasses, "pass", "passes")} in the dual view instead of ` +
          `${arLast.stats.forwardPasses}${speed}.` +
          (this.software && clock > arClock ? " (On a software GPU a pass costs by its rows, so fewer passes save no time.)" : ""),
      );
    }
  }

  clockOf(view) {
    return this.events.findLast((event) => event.view === view)?.clock ?? 0;
  }

  showVerdict(kind, text) {
    const verdict = element("verdict");
    verdict.className = kind;
    verdict.textContent = text;
  }

  get canReplay() {
    return this.events.some((event) => event.view === "dual" && event.run.cycle);
  }

  /** Shows the race again in slow motion, then calls `done`. */
  replay(done) {
    const { className, textContent } = element("verdict");
    this.clear();
    const cycles = this.events.filter((event) => event.view === "dual" && event.run.cycle).length;
    const stretch = (SLOW_CYCLE_MS * cycles) / Math.max(1, this.clockOf("dual"));
    const events = this.events.toSorted((one, other) => one.clock - other.clock);
    const start = performance.now();
    const step = (clock) => {
      while (events.length > 0 && events[0].clock <= clock) {
        this.show(events.shift());
      }
      if (events.length > 0) {
        const wait = events[0].clock * stretch - (performance.now() - start);
        this.playing = setTimeout(() => step((performance.now() - start) / stretch), Math.max(0, wait));
      } else {
        this.playing = undefined;
        this.render();
        this.showVerdict(className, textContent);
        done();
      }
    };
    this.endReplay = () => {
      clearTimeout(this.playing);
      step(Infinity);
    };
    step(0);
  }
}

/** The runs of one view, joined. */
function joined(runs, clock) {
  return {
    ids: runs.flatMap((run) => [...run.ids]),
    text: runs.map((run) => run.text).join(""),
    last: runs.at(-1),
    clock,
  };
}

function count(number, unit, units = `${unit}s`) {
  return `${number} ${number === 1 ? unit : units}`;
}
