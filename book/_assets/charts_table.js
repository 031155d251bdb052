// The numbers of a chart from its specification: as a table on demand, and as a csv file.
window.bookCharts ??= {};
(() => {
  const MOST = 500; // rows shown
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    return element.append(...children), element;
  };

  // What fields are called by tooltips, axes, legends and heads of panels.
  const namesOf = (spec) => {
    const names = new Map();
    const add = (channel, given) => {
      for (const one of [given].flat()) {
        if (!one?.field || typeof one.field !== "string") continue;
        const title = [one.title ?? one.axis?.title ?? one.legend?.title ?? one.header?.title].flat().join(" ");
        if (title && (channel === "tooltip" || !names.has(one.field))) names.set(one.field, title);
        else if (channel === "tooltip" && !names.has(one.field)) names.set(one.field, one.field);
      }
    };
    window.bookCharts.walk(spec, (part) => {
      Object.entries(part.encoding ?? {}).forEach(([channel, given]) => add(channel, given));
      if (part.facet) [part.facet, part.facet.row, part.facet.column].forEach((given) => add("facet", given));
    });
    return names;
  };

  // Tables of rows; lines and words that only decorate have one row, and are left out beside larger ones.
  const tablesOf = (spec) => {
    const found = new Map();
    window.bookCharts.walk(spec, (_, rows) => rows.length && found.set(JSON.stringify(rows), rows));
    const all = [...found.values()];
    const large = all.filter((rows) => rows.length > 1);
    return large.length ? large : all;
  };

  const columnsOf = (rows) => [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const written = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(4)));
    return String(value);
  };

  const table = (rows, names, words) => {
    const known = columnsOf(rows).filter((name) => names.has(name));
    const columns = known.length ? known : columnsOf(rows);
    const head = columns.map((name) => make("th", { scope: "col", textContent: names.get(name) ?? name }));
    const body = rows.slice(0, MOST).map((row) => {
      const cells = columns.map((name) => make("td", { textContent: written(row[name]) }));
      return make("tr", {}, ...cells);
    });
    const more = rows.length > MOST ? ` First ${MOST} of ${rows.length.toLocaleString("en")} rows; all are in the csv.` : "";
    const caption = make("caption", { textContent: `${words}.${more}` });
    return make("table", {}, caption, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
  };

  const numbersOf = (spec, words) => {
    const [names, tables] = [namesOf(spec), tablesOf(spec)];
    const box = make("div", { className: "chart-numbers", tabIndex: 0, role: "region", ariaLabel: `Numbers of: ${words}` });
    tables.forEach((rows, i) => {
      const part = tables.length > 1 ? `Table of the numbers, part ${i + 1} of ${tables.length}` : "Table of the numbers";
      box.append(table(rows, names, part));
    });
    return box;
  };

  // What spreadsheets take for a formula, as in attnbook/escaped.py; a number is none.
  const FORMULA = /^(?![+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$)[=+@\t\r-]/i;

  // One file: the rows of every table, and a column that tells them apart if there are several.
  const csvOf = (spec) => {
    const tables = tablesOf(spec);
    const several = tables.length > 1;
    const columns = columnsOf(tables.flat());
    const quoted = (value) => {
      const plain = value === null || value === undefined ? "" : String(value);
      const text = typeof value === "string" && FORMULA.test(value) ? `'${plain}` : plain;
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = [[...(several ? ["part"] : []), ...columns]];
    tables.forEach((rows, i) =>
      rows.forEach((row) => lines.push([...(several ? [i + 1] : []), ...columns.map((name) => row[name])])),
    );
    return lines.map((line) => line.map(quoted).join(",") + "\n").join("");
  };

  const download = (address, name) => make("a", { href: address, download: name }).click();
  const saveCsv = (spec, name) => {
    const address = URL.createObjectURL(new Blob([csvOf(spec)], { type: "text/csv" }));
    download(address, `${name}.csv`);
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };

  Object.assign(window.bookCharts, { make, numbersOf, saveCsv, download });
})();
