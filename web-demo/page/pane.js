// One view's pane: its text as it arrives, and its counters.

/** As many as `style.css` has `.tint-` classes. */
const TINTS = 6;

/** How long rejected drafts stay visible, in ms. */
const REJECTED_MS = 200;

export class Pane {
  /** `root` holds the counters and the text. `tinted`: runs of different cycles have different tints. */
  constructor(root, tinted) {
    this.text = root.querySelector(".text");
    this.counters = Object.fromEntries(
      [...root.querySelectorAll("[data-counter]")].map((counter) => [counter.dataset.counter, counter]),
    );
    this.tinted = tinted;
    this.clear();
  }

  clear() {
    clearTimeout(this.removing);
    this.rejected = undefined;
    this.cycles = 0;
    this.text.replaceChildren();
    for (const counter of Object.values(this.counters)) {
      counter.textContent = "–";
    }
  }

  /** Adds the runs since the last frame. Only the last run's rejected drafts are shown. */
  add(events) {
    const atEnd = this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight < 40;
    this.dropRejected();
    for (const { run } of events) {
      this.append(run);
    }
    const { run, clock } = events.at(-1);
    this.showRejected(run);
    this.count(run, clock);
    if (atEnd) {
      this.text.scrollTop = this.text.scrollHeight;
    }
  }

  append(run) {
    if (run.cycle) {
      this.cycles++;
    }
    if (!this.tinted) {
      // All runs share one text node: AR decoding has hundreds of runs of one token.
      if (this.text.firstChild) {
        this.text.firstChild.appendData(run.text);
      } else {
        this.text.append(document.createTextNode(run.text));
      }
      return;
    }
    const span = document.createElement("span");
    span.className = run.cycle ? `run tint-${this.cycles % TINTS}` : "run";
    span.textContent = run.text;
    if (run.cycle) {
      const accepted = run.cycle.acceptanceLength;
      span.title = `cycle ${this.cycles}: ${accepted} of ${run.cycle.rows - 1} drafts accepted`;
    }
    this.text.append(span);
  }

  /** Shows rejected drafts, struck out, for a moment. They are at the end of the text, so that no text moves. */
  showRejected(run) {
    if (!this.tinted || !run.cycle?.rejected || run.finish) {
      return;
    }
    this.rejected = document.createElement("s");
    this.rejected.ariaHidden = "true";
    this.rejected.textContent = run.cycle.rejected;
    this.text.append(this.rejected);
    this.removing = setTimeout(() => this.dropRejected(), REJECTED_MS);
  }

  dropRejected() {
    clearTimeout(this.removing);
    this.rejected?.remove();
    this.rejected = undefined;
  }

  count(run, clock) {
    const { newTokens, forwardPasses, tokensPerCycle } = run.stats;
    this.counters.tokens.textContent = newTokens;
    this.counters.passes.textContent = forwardPasses;
    if (clock > 0) {
      // The first token comes from the prefill, before the clock starts.
      this.counters.speed.textContent = (((newTokens - 1) * 1000) / clock).toFixed(1);
      this.counters.perCycle.textContent = tokensPerCycle.toFixed(2);
    }
  }
}
