// Show a ledger as six columns of one line each, filtered and sorted; a row opens to show the rest.
// The page holds the whole table in a <noscript>: with scripts a browser does not lay out its 80,000 cells, and
// here it is read as text. An address such as ledger.html#verdict=differs&data+set=SST opens it filtered.
(() => {
  const STEP = 100; // rows drawn at a time
  const PLACE = new Intl.Collator("en", { numeric: true });
  // The columns, and how the cells that belong to one are joined.
  const COLUMNS = { item: "paper’s item", what: "what", published: "published", ours: "ours", verdict: "verdict", why: "why" };
  const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'" };

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    return element.append(...children), element;
  };
  const plain = (markup) => markup.replace(/<[^>]*>/g, "").replace(/&(#?\w+);/g, (all, name) => ENTITIES[name] ?? all);

  // Heads and rows of the table in the text that ledger.py wrote: a row a line, no closing tags of cells.
  const read = (text) => {
    const [head, body] = text.split("<tbody>");
    const heads = [...head.matchAll(/<th [^>]*data-kind="(\w*)" data-place="(\w*)">([^<]*)<\/th>/g)].map(
      ([, kind, place, name]) => ({ kind, place, name: plain(name) }),
    );
    const rows = body.split("\n").flatMap((line) => {
      const found = line.match(/^<tr class="([^"]*)">/);
      if (!found) return [];
      const cells = line.slice(found[0].length).split("<td>").slice(1);
      const values = cells.map(plain);
      return [{ verdict: found[1], cells, values, text: values.join(" ").toLowerCase() }];
    });
    for (const row of rows) {
      const of = (place, between) => row.values.filter((value, i) => value && heads[i].place === place).join(between);
      row.shown = { item: of("item", " · "), what: of("what", ", "), published: of("published", ""), ours: of("ours", ""), verdict: of("verdict", ""), why: of("why", "") };
    }
    return [heads, rows];
  };

  const setUp = (box) => {
    const [heads, rows] = read(box.querySelector("noscript").textContent);
    const columns = Object.keys(COLUMNS).filter((column) => heads.some(({ place }) => place === column));
    const names = Object.fromEntries(columns.map((column) => [column, COLUMNS[column]]));
    let sorted = rows, order = "", limit = STEP, matching = rows;

    const menus = heads.flatMap(({ kind, name }, i) => {
      if (kind !== "few") return [];
      const values = [...new Set(rows.map(({ values }) => values[i]))].filter(Boolean).sort(PLACE.compare);
      const field = make("select", { name }, new Option("all", ""), ...values.map((value) => new Option(value)));
      return [{ i, field }];
    });
    const words = make("input", { type: "search", name: "words" });
    const fields = [...menus.map(({ field }) => field), words];
    const labels = fields.map((field) => make("label", {}, field.name, field));
    const reset = make("button", { type: "reset", textContent: "reset" });
    const count = make("output", {});
    const form = make("form", { className: "ledger-filter" }, ...labels, reset, count);
    const more = make("button", { type: "button", className: "ledger-more" });
    const sorters = columns.map((column) => {
      const button = make("button", { type: "button", textContent: names[column], onclick: () => sort(column) });
      return make("th", { scope: "col", className: column }, button);
    });
    const body = make("tbody", {});
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...sorters)), body);
    box.before(form);
    box.replaceChildren(table, more);

    const cellOf = (row, column) => {
      const text = row.shown[column];
      if (column !== "what") return make("td", { className: column, title: text.length > 20 ? text : "", textContent: text });
      const opener = make("button", { type: "button", textContent: text, title: text });
      opener.ariaExpanded = "false";
      return make("td", { className: column }, opener);
    };
    const rowOf = (row) => {
      const element = make("tr", { className: row.verdict }, ...columns.map((column) => cellOf(row, column)));
      return (element.row = row), element;
    };
    const draw = (from) => {
      body.append(...matching.slice(from, limit).map(rowOf));
      more.hidden = matching.length <= limit;
      more.textContent = `show ${Math.min(STEP, matching.length - limit)} more of ${matching.length - limit}`;
    };
    const show = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const chosen = menus.filter(({ field }) => field.value).map(({ i, field }) => [i, field.value]);
      matching = sorted.filter(
        ({ values, text }) => chosen.every(([i, value]) => values[i] === value) && wanted.every((word) => text.includes(word)),
      );
      count.value = `${matching.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} numbers`;
      (limit = STEP), (box.scrollTop = 0);
      body.replaceChildren();
      draw(0);
    };
    const writeAddress = () => {
      const set = fields.filter((field) => field.value).map((field) => [field.name, field.value]);
      if (order) set.push(["sort", order]);
      history.replaceState(null, "", set.length ? `#${new URLSearchParams(set)}` : location.pathname + location.search);
    };
    // order: a column, with a minus before it if downwards.
    const arrange = (wanted) => {
      const [down, column] = wanted.startsWith("-") ? [true, wanted.slice(1)] : [false, wanted];
      if (!columns.includes(column)) return (order = ""), (sorted = rows), void sorters.forEach((head) => (head.ariaSort = null));
      order = wanted;
      sorters.forEach((head, i) => (head.ariaSort = columns[i] === column ? (down ? "descending" : "ascending") : null));
      const number = column === "published" || column === "ours";
      const keyed = rows.map((row) => [number ? parseFloat(row.shown[column]) : row.shown[column], row]);
      const empty = (value) => value === "" || value !== value; // the last: not a number
      // Of thousands of texts few are different: each is compared once.
      const places = number ? null : new Map([...new Set(keyed.map(([key]) => key))].sort(PLACE.compare).map((key, i) => [key, i]));
      keyed.sort(([a], [b]) => {
        if (empty(a) || empty(b)) return empty(a) - empty(b); // what is missing stays below
        return (number ? a - b : places.get(a) - places.get(b)) * (down ? -1 : 1);
      });
      sorted = keyed.map(([, row]) => row);
    };
    const sort = (column) => (arrange(order === column ? `-${column}` : column), show(), writeAddress());

    const detailsOf = ({ cells, values }) => {
      const list = make("dl", {});
      heads.forEach(({ name }, i) => {
        if (values[i]) list.append(make("dt", { textContent: name }), make("dd", { innerHTML: cells[i] }));
      });
      return make("tr", { className: "details" }, make("td", { colSpan: columns.length }, list));
    };
    const toggle = (element) => {
      const opener = element.querySelector("button");
      const open = opener.ariaExpanded !== "true";
      opener.ariaExpanded = String(open);
      if (open) element.after(detailsOf(element.row));
      else element.nextElementSibling.remove();
    };
    const followAddress = () => {
      const asked = new URLSearchParams(location.hash.slice(1));
      if (![...fields.map(({ name }) => name), "sort"].some((name) => asked.has(name))) return;
      fields.forEach((field) => (field.value = asked.get(field.name) ?? ""));
      arrange(asked.get("sort") ?? "");
      show();
    };
    body.onclick = ({ target }) => {
      const element = target.closest("tr");
      if (element?.row && !target.closest("a")) toggle(element);
    };
    more.onclick = () => ((limit += STEP), draw(limit - STEP));
    form.oninput = () => (show(), writeAddress());
    form.onsubmit = () => false;
    form.onreset = () => setTimeout(() => (arrange(""), show(), writeAddress()));
    addEventListener("hashchange", followAddress);
    show();
    followAddress();
  };

  const start = () => document.querySelectorAll(".ledger").forEach(setUp);
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
