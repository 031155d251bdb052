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

  // ---------------------------------------------------------------- the page
  const LIMIT = { address: 4000, letters: 300, tokens: 60, epsilon: 0.2 };
  const STILL = 600; // ms of rest before a change is read out and written into the address
  const numbers = (kind, base64) => [...new kind(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer)];
  const signed = (x) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(1)}`;
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const button = (words, onclick) => make("button", { type: "button", textContent: words, onclick });
  const group = (words, ...children) => make("div", { className: "pg-group", role: "group", ariaLabel: words }, make("span", { textContent: words }), ...children);

  const render = ({ model, el }) => {
    const { classes, sentences, challenges = [], show } = model;
    const starts = before(sentences.map(({ words }) => words.length));
    const table = new Map();
    if (model.words) {
      const logits = numbers(Int32Array, model.words.logits), margins = numbers(Int32Array, model.words.margins);
      model.words.list.split("\n").forEach((word, i) => table.set(word, [logits[i] * model.words.unit, margins[i] * model.words.unit]));
    }
    model.models.forEach((one) => {
      for (const name of ["alpha", "margins", "search"]) one[`all_${name}`] = numbers(Float32Array, one[name]);
    });
    const state = {};
    let text, held, cards = [];

    const textOf = ({ s, t, m }) => {
      const one = model.models.find(({ key }) => key === (t ? model.words.model : m));
      const at = starts[s], tokens = t ? tokenize(t).slice(0, LIMIT.tokens) : sentences[s].words;
      const known = t ? tokens.filter((word) => table.has(word)) : tokens;
      if (!known.length) return null;
      const part = (name) => one[`all_${name}`].slice(at, at + tokens.length);
      const whole = (weights) => weights.map((p) => p / sum(weights));
      const margins = t ? known.map((word) => table.get(word)[1]) : part("margins");
      const alpha = t ? softmax(known.map((word) => table.get(word)[0])) : whole(part("alpha"));
      const found = { tokens, known, alpha, s: margins, bias: one.bias, search: t ? null : whole(part("search")), name: one.name };
      found.m = margin(alpha, margins);
      found.y = decision(found.m);
      found.set = minimalFlipSet(alpha, margins);
      found.reach = reach(alpha, margins);
      // Of class 1, low to high.
      const of1 = (low, high) => (found.y ? [low, high] : [1 - high, 1 - low]);
      found.any = of1(found.reach.lowest, found.reach.highest);
      found.shuffles = of1(...permutationRange(alpha, margins));
      return found;
    };
    const NAMED = {
      model: () => text.alpha,
      uniform: () => text.alpha.map(() => 1 / text.alpha.length),
      search: () => text.search ?? text.alpha,
      exact: () => exactAdversary(text.alpha, text.s, state.e).weights,
    };
    // The weights that are shown: what is left after an erasure, renormalised; null where nothing is left.
    const weights = () => {
      const whole = NAMED[state.a]?.() ?? state.w;
      if (!state.x.size) return whole;
      const left = whole.map((p, t) => (state.x.has(t) ? 0 : p)), mass = sum(left);
      return mass > 0 ? left.map((p) => p / mass) : null;
    };
    const facts = () => {
      const p = weights(), m = p ? margin(p, text.s) : text.bias;
      const y = decision(m), same = p && state.a === "model", x = [...state.x];
      return { p, m, y, flipped: y !== text.y, moved: tvd(m, text.m), jsd: p ? jsd(p, text.alpha) : NaN, erased: x.length,
        inert: !text.reach.canFlip, fewest: same && x.length === text.set?.length,
        against: same && x.length === 1 && (text.y ? 1 : -1) * text.s[x[0]] > 0 && ofClass(text.y, m) > ofClass(text.y, text.m) };
    };
    const TESTS = { jsd: (f, v) => f.jsd > v, within: (f, v) => f.moved <= v + 1e-12, beyond: (f, v) => f.moved > v };
    const isMet = (needs, f) => Object.entries(needs).every(([name, value]) => TESTS[name]?.(f, value) ?? f[name] === value);

    // Controls. Words come from data and from the address: they are text, never HTML.
    const name = { className: "pg-model" }, radios = make("div", { className: "pg-models", role: "radiogroup", ariaLabel: "Model" });
    const id = `pg${document.querySelectorAll(".pg").length}`;
    for (const { key, name: words } of model.models)
      radios.append(make("label", name, make("input", { type: "radio", name: id, value: key, onchange: () => open({ m: key }) }), words));
    const picker = make("select", { ariaLabel: "Sentence", onchange: () => open({ s: Number(picker.value), t: "" }) });
    const kinds = new Map(sentences.map(({ kind }) => [kind, make("optgroup", { label: kind })]));
    sentences.forEach(({ kind, words }, i) => kinds.get(kind).append(new Option(words.join(" "), i)));
    picker.append(...kinds.values());
    const typed = make("input", { type: "text", maxLength: LIMIT.letters, ariaLabel: "A sentence of your own, in English", placeholder: "or type your own: a slow but lovely film" });
    const form = make("form", { className: "pg-typed", onsubmit: () => (open({ t: typed.value }), false) }, typed, make("button", { textContent: "Read it" }));
    const slider = make("input", { type: "range", min: 0, max: LIMIT.epsilon, step: 0.005, ariaLabel: "ε: how far the output may move", oninput: () => act("exact", { e: Number(slider.value) }) });
    const epsilon = make("output"), search = button("published search", () => act("search"));
    const fewest = button("smallest set that flips", () => act("model", { x: new Set(text.set) }));
    const groups = {
      weights: group("Weights", button("the model’s", () => act("model")), button("uniform", () => act("uniform")),
        button("shuffle", () => act("own", { w: shuffled(text.alpha) })), search),
      exact: group("Furthest weights", button("exact adversary", () => act("exact")), make("label", { className: "pg-epsilon" }, slider, epsilon)),
      erase: group("Erase", fewest, ...["attention", "gradient", "product"].map((by) => button(`next by ${by}`, () => eraseNext(by)))),
    };
    const verdict = make("p", { className: "pg-verdict" }), moves = make("p", { className: "pg-moves" }), inert = make("p", { className: "pg-inert" });
    const gauge = make("div", { className: "pg-gauge", ariaHidden: "true" }), legend = make("dl", { className: "pg-legend" });
    const marks = {};
    for (const [key, words] of [["any", "any attention"], ["shuffles", "any shuffle"], ["band", ""], ["model", "the model’s"], ["now", "now"]]) {
      gauge.append((marks[key] = make("i", { className: `pg-${key}` })));
      legend.append(make("div", { className: `pg-${key}` }, (marks[`${key}_words`] = make("dt", { textContent: words })), (marks[`${key}_number`] = make("dd"))));
    }
    gauge.append(...classes.map((one) => make("span", { textContent: one })));
    const row = make("ol", { className: "pg-tokens" }), goals = make("ul", { className: "pg-goals" });
    const status = make("p", { className: "pg-status", role: "status" }), box = make("textarea", { className: "pg-box", readOnly: true, hidden: true, ariaLabel: "To copy by hand" });
    const links = group("Keep", button("copy link", () => copy(address(), "link")), button("copy as Python", () => copy(python(), "Python")), button("save as SVG", () => save()));
    challenges.forEach((one) => goals.append((one.item = make("li", {}, (one.mark = make("b", { textContent: "open" })), ` ${one.words}`))));
    const controls = Object.entries(groups).filter(([key]) => !show || show.includes(key));
    const top = sentences.length > 1 ? [make("div", { className: "pg-top" }, picker, ...(table.size ? [form] : []))] : [];
    const app = make("div", { className: "pg" }, ...top, ...(model.models.length > 1 ? [radios] : []), verdict, gauge, legend, row,
      ...controls.map(([, one]) => one), moves, inert, goals, links, status, box);

    const shuffled = (values) => {
      const out = [...values];
      for (let i = out.length - 1; i > 0; i--) {
        const j = Math.floor(Math.random() * (i + 1));
        [out[i], out[j]] = [out[j], out[i]];
      }
      return out;
    };
    const act = (a, more = {}) => {
      held = null;
      Object.assign(state, { a, x: new Set() }, more);
      update();
    };
    const eraseNext = (by) => {
      const gone = state.a === "model" ? state.x : new Set();
      const next = orders[by](text.alpha, text.s, text.bias).find((t) => !gone.has(t));
      act("model", { x: new Set([...gone, ...(next === undefined ? [] : [next])]) });
    };
    const toggle = (t) => act(state.a, { x: new Set(state.x.has(t) ? [...state.x].filter((one) => one !== t) : [...state.x, t]) });
    // One weight changes, the others keep their proportions: those they had when this one was taken up.
    const move = (t, value) => {
      if (!Number.isFinite(value)) return;
      if (held?.t !== t) held = { t, shape: weights() ?? text.alpha };
      state.x.delete(t);
      const free = held.shape.map((p, i) => (i === t || state.x.has(i) ? 0 : p)), mass = sum(free);
      const spare = held.shape.filter((_, i) => i !== t && !state.x.has(i)).length;
      const v = spare ? Math.min(1, Math.max(0, value)) : 1;
      const rest = free.map((p, i) => (mass > 0 ? p / mass : state.x.has(i) ? 0 : 1 / spare));
      Object.assign(state, { a: "own", w: rest.map((p, i) => (i === t ? v : p * (1 - v))) });
      update();
    };

    const lay = () => {
      const most = Math.max(...text.s.map(Math.abs), 1e-9);
      let at = 0;
      cards = [];
      row.replaceChildren(...text.tokens.map((word) => {
        if (!state.t || table.has(word)) {
          const t = at++, s = text.s[t], card = { word };
          card.number = make("input", { type: "number", min: 0, max: 1, step: 0.01, ariaLabel: `weight of ${word}, typed`, oninput: () => move(t, card.number.valueAsNumber), onblur: () => update() });
          card.slider = make("input", { type: "range", min: 0, max: 1, step: 0.01, ariaLabel: `weight of ${word}, token ${t + 1}`, oninput: () => move(t, Number(card.slider.value)) });
          card.erase = make("button", { type: "button", textContent: word, title: "erase or put back", onclick: () => toggle(t) });
          card.item = make("li", { className: s < 0 ? "pg-against" : "pg-for" }, card.number, card.slider, card.erase, make("span", { className: "pg-vote", textContent: signed(s) }));
          card.item.style.setProperty("--vote", `${20 + (80 * Math.abs(s)) / most}%`);
          card.item.style.setProperty("--alpha", text.alpha[t]);
          cards.push(card);
          return card.item;
        }
        return make("li", { className: "pg-unknown" }, make("span", { textContent: word }), make("span", { className: "pg-vote", textContent: "unknown word: no vote" }));
      }));
    };
    let soon;
    const update = () => {
      const f = facts(), { p, m } = f, now = sigmoid(m), y = f.y, low = marginBounds(text.m, state.e).map(sigmoid);
      verdict.replaceChildren(make("strong", { className: y ? "pg-for" : "pg-against", textContent: classes[y] }), " with probability ", make("b", { textContent: ofClass(y, m).toFixed(3) }), " ",
        make("em", { className: f.flipped ? "pg-flipped" : "pg-kept", textContent: f.flipped ? "⇄ decision flipped" : "✓ decision kept" }));
      moves.replaceChildren("The output moved by ", make("b", { textContent: f.moved.toFixed(3) }), " (TVD), the attention by ", make("b", { textContent: p ? f.jsd.toFixed(3) : "–" }),
        " (JSD, at most 0.693).", f.erased ? ` Erased: ${f.erased} of ${cards.length} tokens${p ? "" : "; no attention is left, the bias alone decides"}.` : "");
      const most = Math.max(...text.any.map((x) => Math.abs(x - sigmoid(text.m))));
      inert.textContent = f.inert ? `Inert: no attention changes this decision, but the probability can move by ${most.toFixed(3)}.` : `Some attention changes this decision; the probability can move by ${most.toFixed(3)}.`;
      inert.textContent += text.set ? ` Erasing ${text.set.length} of ${cards.length} tokens can flip it.` : " No erasure flips it.";
      const spans = { any: text.any, shuffles: text.shuffles, band: low, model: [sigmoid(text.m)], now: [now] };
      for (const [key, [from, to = from]] of Object.entries(spans)) {
        marks[key].style.setProperty("--from", from);
        marks[key].style.setProperty("--span", to - from);
        marks[`${key}_number`].textContent = from === to ? from.toFixed(3) : `${from.toFixed(3)} to ${to.toFixed(3)}`;
      }
      marks.band_words.textContent = `within ε = ${state.e}`;
      cards.forEach(({ item, number, slider: bar, erase, word }, t) => {
        const weight = p ? p[t] : 0, gone = state.x.has(t);
        item.style.setProperty("--weight", weight);
        bar.value = weight;
        bar.ariaValueText = `${weight.toFixed(3)}; votes ${classes[Number(text.s[t] > 0)]}, ${signed(text.s[t])}`;
        if (number !== document.activeElement) number.value = weight.toFixed(3);
        item.classList.toggle("pg-gone", gone);
        erase.ariaPressed = String(gone);
        erase.ariaLabel = `${word}${gone ? ", erased" : ""}`;
      });
      slider.value = state.e;
      epsilon.textContent = `ε = ${state.e}`;
      slider.ariaValueText = String(state.e);
      search.disabled = !text.search;
      fewest.disabled = !text.set;
      let met = "";
      challenges.filter((one) => !one.met && isMet(one.needs, f)).forEach((one) => {
        one.met = true;
        one.mark.textContent = "✓ met";
        one.item.className = "pg-met";
        met += ` Challenge met: ${one.words}`;
      });
      clearTimeout(soon);
      soon = setTimeout(() => {
        status.textContent = `${classes[y]}, probability ${ofClass(y, m).toFixed(3)}, decision ${f.flipped ? "flipped" : "kept"}. Attention moved by ${p ? f.jsd.toFixed(3) : "everything"}.${met}`;
        if (model.address) history.replaceState(null, "", `#${query()}`);
      }, STILL);
    };
    // Another text or model.
    const open = (changes, a = "model", more = {}) => {
      const next = { ...state, ...changes }, found = textOf(next);
      if (!found) return void (status.textContent = "None of these words is in the table: it has English words of film reviews.");
      text = found;
      Object.assign(state, next);
      picker.value = state.s;
      typed.value = state.t;
      radios.querySelectorAll("input").forEach((one) => {
        one.checked = one.value === (state.t ? model.words.model : state.m);
        one.disabled = Boolean(state.t);
      });
      lay();
      act(a === "search" && !text.search ? "model" : a, more);
    };

    // The state as an address, and back. Whatever does not fit is left out.
    const query = () => {
      const asked = new URLSearchParams(state.t ? { t: state.t } : { s: sentences[state.s].id, m: state.m });
      asked.set("a", state.a);
      asked.set("e", state.e);
      if (state.a === "own") asked.set("w", state.w.map((p) => Number(p.toPrecision(8))).join());
      if (state.x.size) asked.set("x", [...state.x].join());
      return String(asked).replaceAll("%2C", ",");
    };
    const address = () => `${(model.link ? new URL(model.link, location.href).href : location.href).split("#")[0]}#${query()}`;
    const follow = (words) => {
      const asked = new URLSearchParams(words.length <= LIMIT.address ? words : "");
      const list = (name) => (asked.get(name) ?? "").split(",").filter(Boolean).map(Number);
      const s = sentences.findIndex((one) => String(one.id) === asked.get("s")), e = Number(asked.get("e") ?? NaN);
      const known = model.models.some(({ key }) => key === asked.get("m"));
      const t = table.size ? (asked.get("t") ?? "").slice(0, LIMIT.letters) : "";
      const next = { s: Math.max(0, s), m: known ? asked.get("m") : model.models[0].key, t, e: e >= 0 && e <= LIMIT.epsilon ? e : 0.01, x: new Set() };
      if (t && !textOf(next)) next.t = "";
      const size = textOf(next).alpha.length, w = list("w"), total = sum(w);
      const own = asked.get("a") === "own" && w.length === size && w.every((p) => p >= 0) && Math.abs(total - 1) < 1e-3;
      const a = own ? "own" : Object.hasOwn(NAMED, asked.get("a") ?? "") ? asked.get("a") : "model";
      const x = new Set(list("x").filter((i) => Number.isInteger(i) && i >= 0 && i < size));
      open(next, a, { x, w: w.map((p) => p / total) });
    };

    const copy = async (words, what) => {
      try {
        await navigator.clipboard.writeText(words);
        status.textContent = `Copied: ${what}.`;
      } catch {
        Object.assign(box, { value: words, hidden: false });
        box.select();
        status.textContent = "The clipboard is closed: copy from the box.";
      }
    };
    const python = () => `import torch
from attnlib import Readout, kernels

words = ${JSON.stringify(text.known)}
readout = Readout(
    alpha=torch.tensor([${JSON.stringify(text.alpha)}], dtype=torch.float64),
    scores=torch.tensor([${JSON.stringify(text.s.map((x) => [0, x - text.bias]))}], dtype=torch.float64),
    bias=torch.tensor([0, ${text.bias}], dtype=torch.float64),
    mask=torch.ones(1, len(words), dtype=torch.bool),
)
moved = torch.tensor([${JSON.stringify(weights() ?? text.alpha.map(() => 0))}], dtype=torch.float64)
print(readout.probabilities(), readout.probabilities(moved))
print(kernels.exact_adversary(readout, ${state.e}))
`;
    const save = () => {
      const p = weights(), now = p ? margin(p, text.s) : text.bias, wide = 760, high = 90;
      const draw = (tag, attributes, words = "") => {
        const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
        for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
        element.append(words);
        return element;
      };
      const svg = draw("svg", { "font-family": "sans-serif", "font-size": 12, "text-anchor": "middle" }), y = decision(now);
      let x = 10, top = 40;
      svg.append(draw("text", { x: 10, y: 20, "text-anchor": "start" }, `${text.name}: ${classes[y]}, probability ${ofClass(y, now).toFixed(3)}`));
      text.known.forEach((word, t) => {
        const width = Math.max(46, 8 * word.length + 8), weight = p ? p[t] : 0;
        if (x + width > wide) (x = 10), (top += high + 60);
        const middle = x + width / 2, put = (dy, words, more) => svg.append(draw("text", { x: middle, y: top + dy, ...more }, words));
        svg.append(draw("rect", { x: middle - 16, y: top + 12 + (1 - weight) * high, width: 32, height: weight * high, fill: text.s[t] < 0 ? "#D1495B" : "#3B82C4" }));
        put(8, weight.toFixed(3), { "font-size": 10 });
        put(high + 28, word, state.x.has(t) ? { "text-decoration": "line-through" } : {});
        put(high + 42, signed(text.s[t]), { "font-size": 10 });
        x += width;
      });
      svg.setAttribute("viewBox", `0 0 ${wide} ${top + high + 56}`);
      const href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" }));
      make("a", { href, download: "attention.svg" }).click();
      setTimeout(() => URL.revokeObjectURL(href), 1000);
    };

    el.replaceChildren(app);
    follow(model.address && location.hash.length > 1 ? location.hash.slice(1) : model.start);
    if (model.address) addEventListener("hashchange", () => follow(location.hash.slice(1)));
    return { state, facts, move, act, open };
  };

  const start = () =>
    document.querySelectorAll(".playground").forEach((el) => {
      el.view = render({ model: JSON.parse(el.querySelector("script").textContent), el });
    });
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
  return { softmax, margin, sigmoid, jsd, exactAdversary, reach, permutationRange, minimalFlipSet, eraseUntilFlip, eraseEach, orders, tokenize, render };
})();
