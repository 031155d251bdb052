// Lay out a chart anew where the page is narrow: smaller panels below each other and legends in rows,
// instead of a smaller picture with letters that nobody can read.
window.bookCharts ??= {};
(() => {
  const SMALLEST = 11; // pixels of a letter
  const LETTER = 7; // mean width of one, at 12 pixels
  const LEAST = 120; // width of a panel

  const partsOf = (spec) =>
    [spec.spec, ...["layer", "hconcat", "vconcat", "concat"].flatMap((kind) => spec[kind] ?? [])].filter(Boolean);

  // Every part of a specification, with the rows that it draws.
  const walk = (spec, visit, datasets = spec.datasets ?? {}, rows = []) => {
    rows = datasets[spec.data?.name] ?? spec.data?.values ?? rows;
    visit(spec, rows);
    partsOf(spec).forEach((part) => walk(part, visit, datasets, rows));
  };

  const wrap = (text, letters) => {
    if (typeof text !== "string" || text.length <= letters) return text;
    const lines = [""];
    for (const word of text.split(" ")) {
      if (lines.at(-1) && lines.at(-1).length + word.length >= letters) lines.push("");
      lines.push(`${lines.pop()} ${word}`.trim());
    }
    return lines;
  };

  // Panels beside each other go below each other.
  const stack = (spec) => {
    if (spec.hconcat) (spec.vconcat = spec.hconcat), delete spec.hconcat;
    if (spec.concat) spec.columns = 1;
    if (spec.facet) {
      const { row, column, field } = spec.facet;
      if (!field && !(row && column)) spec.facet = row ?? column;
      if (spec.facet.field) spec.columns = 1;
      // A name beside its row would take the width of the panel.
      if (spec.facet.header) spec.facet.header = { ...spec.facet.header, labelOrient: "top", labelAngle: 0, labelAnchor: "start", labelAlign: "left" };
    }
    const { row, column, facet } = spec.encoding ?? {};
    if (facet) facet.columns = 1;
    if ((row || column) && !(row && column)) {
      spec.encoding.facet = { ...(row ?? column), columns: 1 };
      delete spec.encoding.row, delete spec.encoding.column;
    }
  };

  const shorten = (spec, rows, width, inner) => {
    for (const [channel, encoding] of Object.entries(spec.encoding ?? {})) {
      if (!encoding || typeof encoding !== "object") continue;
      const high = typeof spec.height === "number" ? spec.height : 200;
      const room = channel.startsWith("x") ? inner + 40 : channel.startsWith("y") ? Math.max(high, 120) : width;
      encoding.title = wrap(encoding.title, room / LETTER);
      if (encoding.title === undefined) delete encoding.title;
      if (encoding.axis) {
        if (width < 600) delete encoding.axis.labelLimit;
        if (typeof encoding.axis.title === "string") encoding.axis.title = wrap(encoding.axis.title, room / LETTER);
        if (encoding.axis.labelFontSize < SMALLEST) encoding.axis.labelFontSize = SMALLEST;
      }
      if (["color", "fill", "stroke", "shape", "size", "opacity", "strokeDash"].includes(channel) && encoding.field && encoding.legend !== null) {
        const names = new Set(encoding.scale?.domain ?? rows.map((row) => String(row[encoding.field] ?? "")));
        // The words of the scale, not of this layer: layers and panels share a legend.
        const longest = Math.max(4, ...[...names].map((name) => name.length));
        // A legend begins where its panel does.
        // Its words may reach further than a narrow panel.
        const reach = Math.max(inner, 166);
        const legend = { ...encoding.legend, orient: "bottom", titleOrient: "top", titleLimit: reach, labelLimit: reach - 16 };
        if (encoding.type === "quantitative") legend.gradientLength = Math.min(180, inner - 10);
        else legend.columns = Math.max(1, Math.floor(inner / (LETTER * longest + 28)));
        encoding.legend = legend;
      }
    }
    if (spec.mark?.fontSize < SMALLEST) spec.mark.fontSize = SMALLEST;
  };

  // The specification for a page of this width, its panels `inner` wide.
  const narrow = (given, width, inner) => {
    const spec = structuredClone(given);
    const inLayers = new Set();
    walk(spec, (part, rows) => {
      stack(part);
      shorten(part, rows, width, inner);
      part.layer?.forEach((layer) => inLayers.add(layer));
      if ((part.mark || part.layer) && !inLayers.has(part)) part.width = inner;
      else if (!part.spec) delete part.width;
    });
    const title = spec.title;
    if (typeof title === "string") spec.title = wrap(title, width / 8.6);
    else if (title) for (const line of ["text", "subtitle"]) title[line] = wrap(title[line], width / LETTER);
    const config = (spec.config ??= {});
    if (width < 600) config.axisY = { ...config.axisY, labelLimit: Math.round(0.42 * width) };
    config.header = { ...config.header, labelLimit: width - 10 };
    config.legend = { ...config.legend, layout: { bottom: { direction: "vertical", anchor: "start", margin: 8 } } };
    return spec;
  };

  // A text's tokens have their places: such a chart keeps its size, in a box that scrolls.
  const isText = (spec) => {
    let found = false;
    walk(spec, (part) => (found ||= part.mark?.type === "text" && part.mark.font === "monospace"));
    return found;
  };

  // Draw a chart, again until it is as wide as the page: how much its axes take is known once they are drawn.
  const draw = async (canvas, spec, width, options) => {
    const measured = () => Number(canvas.querySelector("svg.marks")?.getAttribute("width") ?? 0);
    let drawn = width < 600 && !isText(spec) ? null : await vegaEmbed(canvas, spec, options);
    // What is a little too wide is made a little smaller by the style sheet, rather than laid out anew.
    if (drawn && (measured() <= 1.08 * width || isText(spec))) return drawn;
    let inner = width - 90;
    for (let tries = 0; tries < 4; tries++) {
      drawn?.view.finalize();
      drawn = await vegaEmbed(canvas, narrow(spec, width, inner), options);
      const over = measured() - width;
      if ((over <= 0 && over > -12) || (inner === LEAST && over > 0)) break;
      inner = Math.max(LEAST, Math.floor(inner - over - (over > 0 ? 1 : 2)));
    }
    return drawn;
  };

  Object.assign(window.bookCharts, { walk, draw });
})();
