// Draw every chart of the page over its static image; again when the page turns dark or light, or its width
// changes. A page without charts loads nothing; without this script the static images stay.
(() => {
  // This script's own address tells where the bundle lies, however deep the page is.
  const here = document.currentScript.src;
  const { make, draw, numbersOf, saveCsv, download } = window.bookCharts;

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const text = style.getPropertyValue("--pst-color-text-base").trim() || "black";
    const line = style.getPropertyValue("--pst-color-border").trim() || "#ddd";
    return {
      background: "transparent",
      title: { color: text, subtitleColor: text },
      axis: { labelColor: text, titleColor: text, domainColor: line, tickColor: line, gridColor: line, gridOpacity: 0.6 },
      legend: { labelColor: text, titleColor: text },
      header: { labelColor: text, titleColor: text },
      text: { color: text },
    };
  };

  const specOf = (figure) => JSON.parse(figure.querySelector("script").textContent);

  const drawOne = async (figure) => {
    const box = figure.querySelector(".chart-box");
    const canvas = box.querySelector(".chart-canvas") ?? make("div", { className: "chart-canvas", ariaHidden: "true" });
    box.append(canvas);
    figure.view?.finalize();
    const options = { renderer: "svg", config: colours(), actions: false };
    figure.width = box.clientWidth;
    figure.view = (await draw(canvas, specOf(figure), box.clientWidth, options)).view;
    // What Vega writes for screen readers is hidden with the canvas; some of them read it all the same.
    for (const name of ["aria-label", "aria-roledescription", "role"]) {
      [canvas, ...canvas.querySelectorAll(`[${name}]`)].forEach((part) => part.removeAttribute(name));
    }
    figure.querySelector(".chart-static")?.setAttribute("hidden", "");
    // What is wider than the page scrolls, by keyboard too.
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
    figure.dataset.drawn = document.documentElement.dataset.theme ?? "light";
  };

  // The line below a chart: its numbers and its picture as files, its numbers as a table.
  const addLine = (figure, number) => {
    const line = figure.querySelector(".chart-line");
    const details = line.querySelector("details");
    const words = figure.querySelector("figcaption").textContent;
    const name = `${location.pathname.split("/").at(-1).replace(".html", "")}_figure_${number}`;
    const button = (textContent, what, onclick) =>
      make("button", { type: "button", textContent, title: what, onclick });
    details.before(
      button("csv", "Download the numbers of this figure", () => saveCsv(specOf(figure), name)),
      button("svg", "Download this figure", async () => download(await figure.view.toImageURL("svg"), `${name}.svg`)),
    );
    details.addEventListener("toggle", () => {
      if (!details.querySelector(".chart-numbers")) details.querySelector("summary").after(numbersOf(specOf(figure), words));
    });
  };

  const start = () => {
    const figures = [...document.querySelectorAll("figure.chart")];
    if (!figures.length) return;
    figures.forEach((figure, i) => addLine(figure, i + 1));
    // One drawing at a time: a change of theme or width during a drawing waits for it.
    let last = Promise.resolve();
    const drawAll = (some) => {
      last = last.then(() => Promise.all(some.map(drawOne))).catch((error) => console.error(error));
    };
    const watchWidth = () => {
      let soon;
      new ResizeObserver(() => {
        clearTimeout(soon);
        soon = setTimeout(() => {
          const changed = figures.filter((figure) => {
            const [was, is] = [figure.width, figure.querySelector(".chart-box").clientWidth];
            return is && was !== is && (Math.min(was ?? 0, is) < 800);
          });
          if (changed.length) drawAll(changed);
        }, 150);
      }).observe(document.querySelector("article") ?? document.body);
    };
    const bundle = document.createElement("script");
    bundle.src = new URL("offline/vega.js", here);
    bundle.onload = () => {
      drawAll(figures);
      new MutationObserver(() => drawAll(figures)).observe(document.documentElement, { attributeFilter: ["data-theme"] });
      watchWidth();
    };
    document.head.append(bundle);
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
