// A view's pane: its text as it comes, and its counters.

const TINTS = 6;

/** How long rejected drafts stay, in ms: long enough to be seen. */
const LINGER = 200;

export class Pane {
  /** `root` holds the counters and the text; `tinted`: each cycle's run has its own tint. */
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

  /** Adds runs that arrived since the last frame: of their rejected drafts, only the last are seen. */
  add(events) {
    const followed = this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight < 40;
    this.dropRejected();
    for (const { run } of events) {
      this.append(run);
    }
    const { run, clock } = events.at(-1);
    this.showRejected(run);
    this.count(run, clock);
    if (followed) {
      this.text.scrollTop = this.text.scrollHeight;
    }
  }

  append(run) {
    if (run.cycle) {
      this.cycles++;
    }
    if (!this.tinted) {
      // One text node for all: hundreds of runs of one token each.
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

  /** Rejected drafts behind the text, struck out, for a moment. They stand at its end, so nothing moves. */
  showRejected(run) {
    if (!this.tinted || !run.cycle?.rejected || run.finish) {
      return;
    }
    this.rejected = document.createElement("s");
    this.rejected.ariaHidden = "true";
    this.rejected.textContent = run.cycle.rejected;
    this.text.append(this.rejected);
    this.removing = setTimeout(() => this.dropRejected(), LINGER);
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
      // The first token is the prompt's pass's.
      this.counters.speed.textContent = (((newTokens - 1) * 1000) / clock).toFixed(1);
      this.counters.perCycle.textContent = tokensPerCycle.toFixed(2);
    }
  }
}
