// The playground: a model's attention, moved in the page. A classic script without a library: attnlib's kernels
// for one text of two classes, in float64, and `render`, which draws them into an element.
const attnlib = (() => {
  // A text: weights alpha; margins s, the log-odds of class 1 were all attention on a token; bias, those of the
  // empty text. What each kernel computes, and why that is exact, stands at its namesake in Python.
  const sum = (x) => x.reduce((total, one) => total + one, 0);
  const margin = (weights, s) => sum(weights.map((p, t) => p * s[t]));
  const sigmoid = (m) => (m < 0 ? Math.exp(m) / (1 + Math.exp(m)) : 1 / (1 + Math.exp(-m)));
  const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const xlogx = (x) => (x > 0 ? x * Math.log(x) : 0);
  const decision = (m) => Number(m > 0); // the first class on ties
  const ofClass = (y, m) => sigmoid(y ? m : -m);
  const sorted = (values) => values.map((_, t) => t).sort((i, j) => values[i] - values[j]);
  const tvd = (m, other) => Math.abs(sigmoid(m) - sigmoid(other));

  const softmax = (logits) => {
    const top = Math.max(...logits), powers = logits.map((x) => Math.exp(x - top)), total = sum(powers);
    return powers.map((x) => x / total);
  };
  const jsd = (p, q) => sum(p.map((a, t) => {
    const total = a + q[t], d = total && Math.abs(a - q[t]) / total;
    if (d < 0.5) return total * (Math.log1p(-d * d) + 2 * d * Math.atanh(d));
    return total * ((1 + d) * Math.log1p(d) + xlogx((2 * Math.min(a, q[t])) / total));
  })) / 4;

  // Margins whose probabilities lie ε from that of m.
  const above = (m, epsilon) => {
    const room = sigmoid(-m);
    if (epsilon >= room) return Infinity;
    return m + softplus(Math.log(epsilon) + softplus(-m)) - Math.log1p(-epsilon / room);
  };
  const marginBounds = (m, epsilon) => (epsilon ? [-above(-m, epsilon), above(m, epsilon)] : [m, m]);
  const exactAdversary = (alpha, s, epsilon) => {
    const m = margin(alpha, s), bounds = marginBounds(m, epsilon), order = sorted(s);
    const slack = 1e-12 * (1 + Math.max(...s.map(Math.abs)));
    let best = -Infinity, weights = alpha;
    const take = (value, i, j, w) => {
      if (!(value > best)) return;
      best = value;
      weights = alpha.map((_, t) => (t === i ? 1 - w : 0) + (t === j ? w : 0));
    };
    s.forEach((x, t) => {
      const a = alpha[t];
      if (x >= bounds[0] - slack && x <= bounds[1] + slack) take(Math.LN2 + (xlogx(a) - xlogx(1 + a)) / 2, t, t, 1);
    });
    for (const bound of epsilon ? bounds : [m])
      for (const i of order.filter((t) => s[t] < bound))
        for (const j of order.filter((t) => s[t] > bound)) {
          const w = (bound - s[i]) / (s[j] - s[i]), v = (s[j] - bound) / (s[j] - s[i]);
          const own = xlogx(alpha[i]) + xlogx(alpha[j]) - xlogx(v + alpha[i]) - xlogx(w + alpha[j]);
          take(Math.LN2 + (xlogx(w) + xlogx(v) + own) / 2, i, j, w);
        }
    return weights;
  };
  const reach = (alpha, s) => {
    const y = decision(margin(alpha, s)), alone = s.map((x) => ofClass(y, x));
    return { canFlip: s.some((x) => decision(x) !== y), lowest: Math.min(...alone), highest: Math.max(...alone) };
  };
  const permutationRange = (alpha, s) => {
    const y = decision(margin(alpha, s)), a = alpha.toSorted((i, j) => i - j);
    const by = s.map((x) => (y ? x : -x)).sort((i, j) => i - j);
    return [sigmoid(margin(a.toReversed(), by)), sigmoid(margin(a, by))];
  };
  // The fewest tokens whose erasure turns the decision, or null. The sign of a sum decides: it is taken with twice
  // the digits, and of weights that do not underflow.
  const minimalFlipSet = (alpha, s) => {
    const y = decision(margin(alpha, s)), lead = alpha.map((a, t) => a * 2 ** 500 * (y ? s[t] : -s[t]));
    const order = sorted(lead);
    let left = 0, rest = 0, mass = 0, remain = 0;
    order.slice(0, -1).forEach((t, k) => {
      const next = left + lead[t];
      rest += Math.abs(left) < Math.abs(lead[t]) ? lead[t] - next + left : left - next + lead[t];
      left = next;
      mass += alpha[t];
      if (mass > 0 && (y ? left + rest <= 0 : left + rest < 0)) remain = k + 1;
    });
    return remain ? order.slice(remain) : null;
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
  const votes = (alpha, s, bias) => s.map((x) => (decision(margin(alpha, s)) ? bias - x : x - bias));
  const orders = {
    attention: (alpha) => sorted(alpha.map((a) => -a)),
    gradient: (...text) => sorted(votes(...text)),
    product: (...text) => sorted(votes(...text).map((x, t) => text[0][t] * x)),
  };
  // As SST's tokens: Python's \W is what is no letter, number or underscore.
  const tokenize = (text) => text.replaceAll("-LRB-", "").replaceAll("-RRB-", " ").replace(/[^\p{L}\p{N}_]/gu, " ")
    .toLowerCase().split(" ").filter(Boolean);

  // ---------------------------------------------------------------- the page
  const LIMIT = { address: 4000, tokens: 60 };
  const STILL = 600; // ms until a change is read out and put into the address
  const numbers = (kind, base64) => [...new kind(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer)];
  const whole = (weights) => weights.map((p) => p / sum(weights));
  const signed = (x) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(2)}`;
  const three = (x) => x.toFixed(3);
  // Words of data and of the address are text, never HTML.
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    return element.append(...children), element;
  };

  // The element holds the controls as a template (attnbook/playground.html).
  const render = ({ model, el }) => {
    const { classes, sentences, challenges, words = { list: "" } } = model;
    const app = el.querySelector("template").content.cloneNode(true).firstElementChild, $ = (selector) => app.querySelector(selector);
    const write = (selector, said) => ($(selector).textContent = said);
    const starts = before(sentences.map((one) => one.words.length)), table = new Map(), state = {};
    if (words.list) {
      const [logits, margins] = [words.logits, words.margins].map((one) => numbers(Int32Array, one));
      words.list.split("\n").forEach((word, i) => table.set(word, [logits[i] * words.unit, margins[i] * words.unit]));
    }
    let text, held, soon, cards = [];

    const textOf = ({ s: at, t, m }) => {
      const one = model.models.find(({ key }) => key === (t ? words.model : m));
      const tokens = t ? tokenize(t).slice(0, LIMIT.tokens) : sentences[at].words;
      const known = t ? tokens.filter((word) => table.has(word)) : tokens;
      if (!known.length) return null;
      const part = (name) => numbers(Float32Array, one[name]).slice(starts[at], starts[at] + tokens.length);
      const s = t ? known.map((word) => table.get(word)[1]) : part("margins");
      const alpha = t ? softmax(known.map((word) => table.get(word)[0])) : whole(part("alpha"));
      const m0 = margin(alpha, s), y = decision(m0), { canFlip, lowest, highest } = reach(alpha, s);
      const of1 = ([low, high]) => (y ? [low, high] : [1 - high, 1 - low]);
      return { tokens, words: known, alpha, s, y, canFlip, m: m0, bias: one.bias, search: t ? null : whole(part("search")),
        each: eraseEach(alpha, s, one.bias), any: of1([lowest, highest]), shuffles: of1(permutationRange(alpha, s)), set: minimalFlipSet(alpha, s) };
    };
    const NAMED = {
      model: () => text.alpha,
      uniform: () => whole(text.alpha.map(() => 1)),
      search: () => text.search ?? text.alpha,
      exact: () => exactAdversary(text.alpha, text.s, state.e),
    };
    // The weights shown: what an erasure leaves, renormalised, or null.
    const weights = () => {
      const all = NAMED[state.a]?.() ?? state.w, left = all.map((p, t) => (state.x.has(t) ? 0 : p));
      return !state.x.size ? all : sum(left) > 0 ? whole(left) : null;
    };
    const facts = () => {
      const p = weights(), m = p ? margin(p, text.s) : text.bias, y = decision(m), x = [...state.x];
      const own = p && state.a === "model", vote = x.length === 1 && text.s[x[0]];
      return { p, m, y, flipped: y !== text.y, moved: tvd(m, text.m), jsd: p ? jsd(p, text.alpha) : NaN,
        erased: x.length, inert: !text.canFlip, fewest: own && x.length === text.set?.length,
        against: own && (text.y ? vote > 0 : vote < 0) && ofClass(text.y, m) > ofClass(text.y, text.m) };
    };
    const BOUNDS = { jsd: (f, v) => f.jsd > v, within: (f, v) => f.moved <= v + 1e-12, beyond: (f, v) => f.moved > v };
    const isMet = (f, needs) => Object.entries(needs).every(([k, v]) => BOUNDS[k]?.(f, v) ?? f[k] === v);

    const act = (a, more) => (Object.assign(state, { a, x: new Set() }, more), (held = null), update());
    const shuffle = () => act("own", { w: sorted(text.alpha.map(Math.random)).map((t) => text.alpha[t]) });
    const eraseNext = (by) => {
      const gone = state.a === "model" ? [...state.x] : [];
      const next = orders[by](text.alpha, text.s, text.bias).filter((t) => !gone.includes(t));
      act("model", { x: new Set([...gone, ...next.slice(0, 1)]) });
    };
    const toggle = (t) => act(state.a, { x: new Set([t]).symmetricDifference(state.x) });
    // The others keep their proportions: those they had when this weight was taken up.
    const move = (t, value) => {
      if (!Number.isFinite(value)) return;
      if (held?.t !== t) held = { t, shape: weights() ?? text.alpha };
      state.x.delete(t);
      const free = (i) => i !== t && !state.x.has(i), spare = text.s.filter((_, i) => free(i)).length;
      const rest = held.shape.map((p, i) => (free(i) ? p : 0)), mass = sum(rest);
      const v = spare ? Math.min(1, Math.max(0, value)) : 1;
      const share = (p, i) => (i === t ? v : (1 - v) * (mass > 0 ? p / mass : free(i) / spare || 0));
      Object.assign(state, { a: "own", w: rest.map(share) });
      update();
    };

    // What is on the page.
    const [picker, form, models, slider, list, status, box] = ["select", "form", ".models", ".epsilon", "ol", "[role=status]", "textarea"].map($);
    const typed = form.elements[0], goals = challenges.map((needs, i) => ({ needs, item: $("ul").children[i] }));
    const DO = { shuffle, fewest: () => act("model", { x: new Set(text.set) }), link: () => copy(address()), python: () => copy(python()), svg: () => svg() };
    app.onclick = ({ target: { dataset: { do: it } } }) => (it in NAMED ? act(it) : it in orders ? eraseNext(it) : DO[it]?.());
    picker.onchange = () => open({ s: picker.selectedIndex, t: "" });
    models.onchange = ({ target }) => open({ m: target.value });
    form.onsubmit = () => (open({ t: typed.value }), false);
    slider.oninput = () => act("exact", { e: Number(slider.value) });
    el.replaceChildren(app);

    const card = (word, t) => {
      const s = text.s[t], item = $("template").content.cloneNode(true).firstElementChild, [number, { children: [fill, bar] }, erase, vote] = item.children;
      Object.assign(number, { ariaLabel: `weight of ${word}, as a number`, oninput: () => move(t, number.valueAsNumber), onblur: () => update() });
      Object.assign(bar, { ariaLabel: `weight of ${word}, token ${t + 1}`, oninput: () => move(t, Number(bar.value)) });
      const title = `Erased alone: ${classes[1]} ${three(text.each[t])}`;
      Object.assign(erase, { textContent: word, title, ariaLabel: `${word}, erase`, onclick: () => toggle(t) });
      vote.textContent = signed(s);
      item.className = s < 0 ? "against" : "for";
      item.style.cssText = `--alpha: ${text.alpha[t]}; --vote: ${20 + (80 * Math.abs(s)) / Math.max(...text.s.map(Math.abs), 1e-9)}%`;
      return { number, fill, bar, erase, item };
    };
    const say = (said, className = "") => Object.assign(status, { textContent: said, className });
    const update = () => {
      const f = facts(), { p, m, y } = f, sure = three(ofClass(y, m)), of = sigmoid(text.m), n = cards.length;
      const far = p ? three(f.jsd) : "–", decided = f.flipped ? "decision flipped" : "decision kept";
      write(".says", classes[y]);
      $(".says").className = `says ${y ? "for" : "against"}`;
      write(".sure", sure);
      write("em", `${f.flipped ? "⇄" : "✓"} ${decided}`);
      $("em").className = f.flipped ? "flipped" : "";
      write(".moved", three(f.moved));
      write(".jsd", far);
      write(".erased", f.erased ? `${f.erased} of ${n} tokens erased${p ? "." : ": no attention is left, the bias decides."}` : "");
      write(".reach", f.inert ? "Inert: no attention changes this decision, but" : "Some attention changes this decision;");
      write(".most", three(Math.max(...text.any.map((x) => Math.abs(x - of)))));
      write(".set", text.set ? `Erasing ${text.set.length} of ${n} tokens flips it.` : "No erasure flips it.");
      const spans = { any: text.any, shuffles: text.shuffles, band: marginBounds(text.m, state.e).map(sigmoid), own: [of], now: [sigmoid(m)] };
      for (const [key, [from, to = from]] of Object.entries(spans)) {
        $(`i.${key}`).style.cssText = `--from: ${from}; --span: ${to - from}`;
        write(`.${key} dd`, to === from ? three(from) : `${three(from)} to ${three(to)}`);
      }
      cards.forEach(({ number, fill, bar, erase, item }, t) => {
        const weight = p ? p[t] : 0, gone = state.x.has(t);
        fill.style.transform = `scaleY(${weight})`;
        item.classList.toggle("gone", gone);
        erase.ariaPressed = String(gone);
        bar.value = weight;
        bar.ariaValueText = `${three(weight)}, votes ${classes[decision(text.s[t])]} ${signed(text.s[t])}`;
        if (number !== document.activeElement) number.value = three(weight);
      });
      slider.value = state.e;
      slider.ariaValueText = write("output", `ε = ${state.e}`);
      $("[data-do=search]").disabled = !text.search;
      $("[data-do=fewest]").disabled = !text.set;
      for (const { item } of goals.filter((one) => isMet(f, one.needs) && !one.item.className)) {
        item.className = "met new";
        item.firstChild.textContent = "✓ met:";
      }
      clearTimeout(soon);
      soon = setTimeout(() => {
        const met = [...app.querySelectorAll(".new")].map((item) => ((item.className = "met"), item.textContent));
        say([`${classes[y]}, probability ${sure}, ${decided}. JSD ${far}.`, ...met].join(" "), "quiet");
        if (model.address) history.replaceState(null, "", `#${query()}`);
      }, STILL);
    };
    // Another text or model.
    const open = (changes, a = "model", more) => {
      const next = { ...state, ...changes }, found = textOf(next);
      if (!found) return void say("None of these words is known.");
      text = found;
      Object.assign(state, next);
      picker.selectedIndex = state.s;
      typed.value = state.t;
      for (const one of models.elements) Object.assign(one, { checked: one.value === (state.t ? words.model : state.m), disabled: !!state.t });
      cards = [];
      list.replaceChildren(...text.tokens.map((word) => {
        if (!state.t || table.has(word)) return cards[cards.push(card(word, cards.length)) - 1].item;
        return make("li", { className: "unknown" }, make("i", { textContent: word }), make("span", { textContent: "unknown, no vote" }));
      }));
      act(a, more);
    };

    // The state as an address, and back; what is wrong is left out.
    const query = () => {
      const asked = new URLSearchParams(state.t ? { t: state.t } : { s: sentences[state.s].id, m: state.m });
      const own = state.a === "own" && { w: state.w.map((p) => Number(p.toPrecision(8))) };
      Object.entries({ a: state.a, e: state.e, ...own, x: [...state.x] }).forEach(([k, v]) => `${v}` && asked.set(k, v));
      return String(asked).replaceAll("%2C", ",");
    };
    const address = () => `${new URL(model.link ?? "", location.href).href.split("#")[0]}#${query()}`;
    const follow = (given) => {
      const asked = Object.fromEntries(new URLSearchParams(given.length > LIMIT.address ? "" : given));
      const listed = (name) => (asked[name] ?? "").split(",").filter(Boolean).map(Number), e = Number(asked.e ?? NaN);
      const next = { s: Math.max(0, sentences.findIndex((one) => `${one.id}` === asked.s)), e: e >= 0 && e <= slider.max ? e : 0.01,
        m: model.models.some(({ key }) => key === asked.m) ? asked.m : model.models[0].key, t: words.list ? asked.t ?? "" : "" };
      if (!textOf(next)) next.t = "";
      const size = textOf(next).alpha.length, w = listed("w");
      const own = asked.a === "own" && w.length === size && w.every((p) => p >= 0) && Math.abs(sum(w) - 1) < 1e-3;
      const x = new Set(listed("x").filter((i) => Number.isInteger(i) && i >= 0 && i < size));
      open(next, own ? "own" : Object.hasOwn(NAMED, asked.a) ? asked.a : "model", { x, w: whole(w) });
      clearTimeout(soon);
    };

    const copy = async (given) => {
      try {
        await navigator.clipboard.writeText(given);
        say("Copied.");
      } catch {
        Object.assign(box, { value: given, hidden: false }).select();
        say("The clipboard is closed: copy from the box.");
      }
    };
    const python = () => {
      const votes = text.s.map((x) => [0, x - text.bias]), moved = weights() ?? text.s.map(() => 0);
      const given = { ...text, votes, moved, epsilon: state.e };
      return $("script").textContent.replace(/<(\w+)>/g, (_, key) => JSON.stringify(given[key])).trimStart();
    };
    const svg = () => {
      const { p, m, y } = facts(), image = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const draw = (tag, attributes, said = "") => {
        const element = image.appendChild(document.createElementNS(image.namespaceURI, tag));
        Object.entries(attributes).forEach(([k, v]) => element.setAttribute(k, v));
        element.append(said);
      };
      let x = 0, top = 30;
      draw("text", { x: 8, y: 20 }, `${classes[y]} with probability ${three(ofClass(y, m))}`);
      text.words.forEach((word, t) => {
        const width = Math.max(52, 9 * word.length), height = p ? 100 * p[t] : 0, gone = state.x.has(t) ? "line-through" : "none";
        if (x + width > 760) (x = 0), (top += 160);
        draw("rect", { x: x + 10, y: top + 120 - height, width: 32, height, fill: text.s[t] < 0 ? "#D1495B" : "#3B82C4" });
        draw("text", { x: x + 8, y: top + 15 }, three(height / 100));
        draw("text", { x: x + 8, y: top + 135, "text-decoration": gone }, word);
        draw("text", { x: x + 8, y: top + 150 }, signed(text.s[t]));
        x += width;
      });
      image.setAttribute("viewBox", `0 0 760 ${top + 160}`);
      image.setAttribute("style", "font: 13px sans-serif");
      const file = new Blob([new XMLSerializer().serializeToString(image)], { type: "image/svg+xml" });
      make("a", { href: URL.createObjectURL(file), download: "attention.svg" }).click();
    };

    follow(model.address && location.hash.length > 1 ? location.hash.slice(1) : model.start);
    if (model.address) addEventListener("hashchange", () => follow(location.hash.slice(1)));
    return { facts, open, act };
  };

  const start = () => document.querySelectorAll(".playground").forEach((el) => {
    el.view = render({ model: JSON.parse(el.querySelector("script").textContent), el });
  });
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
  return { softmax, margin, sigmoid, jsd, exactAdversary, reach, permutationRange, minimalFlipSet, eraseEach, orders, tokenize, render };
})();
