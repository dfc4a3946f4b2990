// The histogram of acceptance lengths.

export class Histogram {
  constructor(root) {
    this.root = root;
    this.resize(32);
  }

  /** Starts anew for blocks of `rows` rows: acceptance lengths from 0 to rows - 1. */
  resize(rows) {
    this.counts = new Array(rows).fill(0);
    this.root.replaceChildren(...this.counts.map(() => document.createElement("span")));
    this.describe();
  }

  add(lengths) {
    for (const length of lengths) {
      this.counts[length]++;
    }
    const highest = Math.max(1, ...this.counts);
    this.counts.forEach((count, length) => {
      const bar = this.root.children[length];
      bar.style.height = `${(100 * count) / highest}%`;
      bar.title = `${length} accepted: ${count} ${count === 1 ? "cycle" : "cycles"}`;
    });
    this.describe();
  }

  describe() {
    const cycles = this.counts.reduce((sum, count) => sum + count, 0);
    const drafts = this.counts.reduce((sum, count, length) => sum + count * length, 0);
    this.root.ariaLabel = cycles
      ? `Histogram of acceptance lengths: ${cycles} cycles, on average ${(drafts / cycles).toFixed(1)} drafts accepted`
      : "Histogram of acceptance lengths: no cycles yet";
  }
}
