// The playground: move a model's attention in the page. A classic script without a library: the kernels of
// attnlib for one text of two classes in float64, then `render`, which draws them into an element.
const attnlib = (() => {
  // One text: weights alpha; margins s, the log-odds of class 1 were all attention on that token; bias, the
  // log-odds of the empty text. Definitions and proofs stand at the kernels of the same names in Python.
  const sum = (x) => x.reduce((total, one) => total + one, 0);
  const margin = (weights, s) => sum(weights.map((p, t) => p * s[t]));
  const sigmoid = (m) => (m < 0 ? Math.exp(m) / (1 + Math.exp(m)) : 1 / (1 + Math.exp(-m)));
  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const xlogx = (x) => (x > 0 ? x * Math.log(x) : 0);
  const decision = (m) => Number(m > 0); // the first class on ties
  const sorted = (values) => values.map((_, t) => t).sort((i, j) => values[i] - values[j]);

  const softmax = (logits) => {
    const top = Math.max(...logits), powers = logits.map((x) => Math.exp(x - top)), total = sum(powers);
    return powers.map((x) => x / total);
  };
  const jsd = (p, q) =>
    sum(p.map((a, t) => {
      const total = a + q[t], d = total && Math.abs(a - q[t]) / total;
      if (d < 0.5) return total * (Math.log1p(-d * d) + 2 * d * Math.atanh(d));
      return total * ((1 + d) * Math.log1p(d) + xlogx((2 * Math.min(a, q[t])) / total));
    })) / 4;
  const tvd = (m, other) => Math.abs(sigmoid(m) - sigmoid(other));

  // Margins whose probabilities lie ε from that of m.
  const above = (m, epsilon) => {
    const room = sigmoid(-m);
    if (epsilon >= room) return Infinity;
    return m + softplus(Math.log(epsilon) + softplus(-m)) - Math.log1p(-epsilon / room);
  };
  const marginBounds = (m, epsilon) => (epsilon ? [-above(-m, epsilon), above(m, epsilon)] : [m, m]);

  const exactAdversary = (alpha, s, epsilon) => {
    const m = margin(alpha, s), bounds = marginBounds(m, epsilon), [low, high] = bounds;
    const slack = 1e-12 * (1 + Math.max(...s.map(Math.abs)));
    let best = -Infinity, weights = alpha;
    const take = (value, i, j, w) => {
      if (!(value > best)) return;
      best = value;
      weights = alpha.map((_, t) => (t === i ? 1 - w : 0) + (t === j ? w : 0));
    };
    s.forEach((x, t) => {
      const a = alpha[t];
      if (x >= low - slack && x <= high + slack) take(Math.LN2 + (xlogx(a) - xlogx(1 + a)) / 2, t, t, 1);
    });
    const order = sorted(s);
    for (const bound of epsilon ? bounds : [m])
      for (const i of order.filter((t) => s[t] < bound))
        for (const j of order.filter((t) => s[t] > bound)) {
          const w = (bound - s[i]) / (s[j] - s[i]), v = (s[j] - bound) / (s[j] - s[i]);
          const own = xlogx(alpha[i]) + xlogx(alpha[j]) - xlogx(v + alpha[i]) - xlogx(w + alpha[j]);
          take(Math.LN2 + (xlogx(w) + xlogx(v) + own) / 2, i, j, w);
        }
    return { weights, jsd: jsd(weights, alpha), tvd: tvd(margin(weights, s), m) };
  };

  // Probability of class y at a margin.
  const ofClass = (y, m) => sigmoid(y ? m : -m);
  const reach = (alpha, s) => {
    const y = decision(margin(alpha, s)), alone = s.map((x) => ofClass(y, x));
    return { canFlip: s.some((x) => decision(x) !== y), lowest: Math.min(...alone), highest: Math.max(...alone) };
  };
  const permutationRange = (alpha, s) => {
    const y = decision(margin(alpha, s)), a = alpha.toSorted((i, j) => i - j);
    const by = s.map((x) => (y ? x : -x)).sort((i, j) => i - j);
    return [sigmoid(margin(a.toReversed(), by)), sigmoid(margin(a, by))];
  };

  // Whether a decision turns is a matter of a sum's sign: sums with twice the digits, of weights that do not underflow.
  const SCALE = 2 ** 500;
  const plus = ([high, low], x) => {
    const next = high + x;
    return [next, low + (Math.abs(high) < Math.abs(x) ? x - next + high : high - next + x)];
  };
  const turned = ([high, low], y) => (y ? high + low <= 0 : high + low < 0);
  const leads = (alpha, s, y) => alpha.map((a, t) => a * SCALE * (y ? s[t] : -s[t]));
  // The fewest tokens whose erasure turns the decision, or null.
  const minimalFlipSet = (alpha, s) => {
    const y = decision(margin(alpha, s)), lead = leads(alpha, s, y), order = sorted(lead);
    let left = [0, 0], mass = 0, remain = 0;
    order.slice(0, -1).forEach((t, k) => {
      left = plus(left, lead[t]);
      mass += alpha[t];
      if (mass > 0 && turned(left, y)) remain = k + 1;
    });
    return remain ? order.slice(remain) : null;
  };
  const eraseUntilFlip = (alpha, s, bias, order) => {
    const y = decision(margin(alpha, s)), lead = leads(alpha, s, y);
    let left = [0, 0], mass = 0, found = { count: alpha.length, flipped: false, emptied: false };
    // From the empty text back.
    for (let k = order.length; k > 0; k--) {
      if (mass > 0 ? turned(left, y) : decision(bias) !== y) found = { count: k, flipped: true, emptied: !mass };
      left = plus(left, lead[order[k - 1]]);
      mass += alpha[order[k - 1]];
    }
    return found;
  };
  // Probability of class 1 after each single erasure; sums of what remains, never 1 − α.
  const before = (x) => x.map(((total) => (one) => [total, (total += one)][0])(0));
  const others = (x) => {
    const after = before(x.toReversed()).reverse();
    return before(x).map((one, t) => one + after[t]);
  };
  const eraseEach = (alpha, s, bias) => {
    const mass = others(alpha), left = others(alpha.map((a, t) => a * s[t]));
    return mass.map((rest, t) => sigmoid(rest > 0 ? left[t] / rest : bias));
  };
  const orders = {
    attention: (alpha) => sorted(alpha.map((a) => -a)),
    gradient: (alpha, s, bias) => sorted(s.map((x) => (decision(margin(alpha, s)) ? bias - x : x - bias))),
    product: (alpha, s, bias) =>
      sorted(s.map((x, t) => alpha[t] * (decision(margin(alpha, s)) ? bias - x : x - bias))),
  };
  // The tokens of SST: \W in Python is what is no letter, number or underscore.
  const tokenize = (text) =>
    text.replaceAll("-LRB-", "").replaceAll("-RRB-", " ").replace(/[^\p{L}\p{N}_]/gu, " ").toLowerCase().split(" ").filter(Boolean);
  const floats = (base64) => [...new Float32Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer)];
  return { softmax, margin, sigmoid, jsd, exactAdversary, reach, permutationRange, minimalFlipSet, eraseUntilFlip, eraseEach, orders, tokenize };
})();
