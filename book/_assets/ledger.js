// Make a ledger filterable and sortable; it is complete without this script.
// An address such as ledger.html#verdict=differs&data+set=sst opens it filtered.
(() => {
  const STEP = 200; // rows drawn at a time: laying out 4,000 takes seconds
  const PLACE = new Intl.Collator("en", { numeric: true });

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    return element.append(...children), element;
  };

  const setUp = (box) => {
    const [body, heads] = [box.querySelector("tbody"), [...box.querySelectorAll("th")]];
    const names = heads.map((head) => head.textContent);
    // Read once: asking every row for its text at every key would be slow.
    const rows = [...body.rows].map((row) => {
      const values = [...row.cells].map((cell) => cell.textContent.trim());
      return { row, values, text: values.join(" ").toLowerCase() };
    });
    const menus = names.map((name, column) => {
      if (heads[column].dataset.kind !== "few") return null;
      const values = [...new Set(rows.map(({ values }) => values[column]))].filter(Boolean);
      return make("select", { name }, new Option("all", ""), ...values.map((value) => new Option(value)));
    });
    const words = make("input", { type: "search", name: "words" });
    const fields = [...menus, words].filter(Boolean);
    const labels = fields.map((field) => make("label", {}, field.name, field));
    const reset = make("button", { type: "reset", textContent: "reset" });
    const count = make("output", {});
    const more = make("button", { type: "button", className: "ledger-more" });
    const form = make("form", { className: "ledger-filter" }, ...labels, reset, count);
    box.before(form), box.append(more);
    let limit = STEP;
    const show = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let found = 0;
      for (const { row, values, text } of rows) {
        const fits = menus.every((menu, i) => !menu?.value || values[i] === menu.value);
        row.hidden = !(fits && wanted.every((word) => text.includes(word)) && ++found <= limit);
      }
      count.value = `${found.toLocaleString("en")} of ${rows.length.toLocaleString("en")} numbers`;
      more.hidden = found <= limit;
      more.textContent = `show ${Math.min(STEP, found - limit)} more of ${found - limit}`;
    };
    const restart = () => ((limit = STEP), (box.scrollTop = 0), show());
    const sort = (column) => {
      const down = heads[column].ariaSort === "ascending";
      heads.forEach((head, i) => (head.ariaSort = i === column ? (down ? "descending" : "ascending") : null));
      const number = heads[column].dataset.kind === "number";
      const key = ({ values }) => (number ? parseFloat(values[column]) : values[column]);
      const empty = (value) => value === "" || value !== value; // the last: not a number
      rows.sort((one, two) => {
        const [a, b] = [key(one), key(two)];
        if (empty(a) || empty(b)) return empty(a) - empty(b); // what is missing stays below
        return (number ? a - b : PLACE.compare(a, b)) * (down ? -1 : 1);
      });
      body.append(...rows.map(({ row }) => row));
      restart();
    };
    const followAddress = () => {
      const asked = new URLSearchParams(location.hash.slice(1));
      if (!fields.some(({ name }) => asked.has(name))) return;
      fields.forEach((field) => (field.value = asked.get(field.name) ?? ""));
      restart();
    };
    const sorter = (i) => make("button", { type: "button", onclick: () => sort(i) }, names[i]);
    heads.forEach((head, i) => head.replaceChildren(sorter(i)));
    more.onclick = () => ((limit += STEP), show());
    form.oninput = restart;
    form.onsubmit = () => false;
    form.onreset = () => setTimeout(restart);
    addEventListener("hashchange", followAddress);
    restart();
    followAddress();
    box.classList.add("ready");
  };

  const start = () => document.querySelectorAll(".ledger").forEach(setUp);
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
