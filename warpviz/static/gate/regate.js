// The gate decided again, as live/regate.py does: sorted once, then a binary search per theta.

export const UNJUDGED = -1;

export class Regate {
  /**
   * @param {Float32Array} values similarities of F thoughts under one scorer
   * @param {ArrayLike<number>} labels per thought 1 good, 2 bad, 0 unknown
   */
  constructor(values, labels) {
    this.values = values;
    this.labels = labels;
    this.size = values.length;
    this.order = Array.from({ length: this.size }, (_, i) => i).sort(
      (a, b) => rankOf(values[b]) - rankOf(values[a]) || a - b,
    );
    this.sorted = this.order.map((i) => -rankOf(values[i])); // rising
    this.good = prefix(this.order, (i) => labels[i] === 1);
    this.bad = prefix(this.order, (i) => labels[i] === 2);
    this.numGood = this.good[this.size];
    this.numBad = this.bad[this.size];
    this.points = this.curve();
    this.lowest = this.sorted.reduce(
      (low, rank) => (-rank > UNJUDGED ? Math.min(low, -rank) : low),
      0,
    );
    this.highest = this.size ? Math.max(0, -this.sorted[0]) : 0;
    this.auc = this.area();
  }

  /** Return how many thoughts pass: those of at least theta that could be judged. */
  passing(theta) {
    let low = 0;
    let high = this.size;
    const cut = Math.fround(theta); // similarities are float32
    while (low < high) {
      const mid = (low + high) >> 1;
      const value = -this.sorted[mid];
      if (value >= cut && value > UNJUDGED) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  /** Return what a theta does; rates are null where no label counts for them. */
  outcome(theta) {
    const accepted = this.passing(theta);
    const hits = this.good[accepted];
    const labelled = hits + this.bad[accepted];
    const precision = labelled ? hits / labelled : null;
    const recall = this.numGood ? hits / this.numGood : null;
    return {
      accepted,
      rejected: this.size - accepted,
      precision,
      recall,
      fpr: this.numBad ? this.bad[accepted] / this.numBad : null,
    };
  }

  /**
   * Return the ROC points [fpr, tpr], one per distinct similarity; empty unless both labels occur.
   */
  curve() {
    if (!this.numGood || !this.numBad) return [];
    const points = [[0, 0]];
    for (let n = 1; n <= this.size; n += 1) {
      if (n < this.size && this.sorted[n] === this.sorted[n - 1]) continue;
      points.push([this.bad[n] / this.numBad, this.good[n] / this.numGood]);
    }
    return points;
  }

  /** Return the area under the ROC curve, null without one. */
  area() {
    if (!this.points.length) return null;
    let area = 0;
    for (let i = 1; i < this.points.length; i += 1) {
      const [[x0, y0], [x1, y1]] = [this.points[i - 1], this.points[i]];
      area += ((x1 - x0) * (y0 + y1)) / 2;
    }
    return area;
  }

  /**
   * The strictest of the thetas that separate the labels best (Youden's J), with three decimals if
   * that lets the same thoughts pass; null without labels.
   */
  get best() {
    if (!this.points.length) return null;
    let count = 0;
    let most = -1;
    for (let n = 1; n <= this.size && -this.sorted[n - 1] > UNJUDGED; n += 1) {
      const gain = this.good[n] / this.numGood - this.bad[n] / this.numBad;
      const tied = n < this.size && this.sorted[n] === this.sorted[n - 1];
      if (!tied && gain > most + 1e-12) {
        count = n; // equal gains may differ by a rounding
        most = gain;
      }
    }
    if (!count) return null;
    const accepted = -this.sorted[count - 1];
    const middle =
      (accepted + (count < this.size ? Math.max(UNJUDGED, -this.sorted[count]) : UNJUDGED)) / 2;
    return (
      [Math.round(middle * 1000) / 1000, middle].find((theta) => this.passing(theta) === count) ??
      accepted
    );
  }
}

function rankOf(value) {
  return Number.isFinite(value) ? value : -2;
}

function prefix(order, test) {
  const sums = new Uint32Array(order.length + 1);
  order.forEach((i, n) => {
    sums[n + 1] = sums[n] + (test(i) ? 1 : 0);
  });
  return sums;
}
