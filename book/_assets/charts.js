// Draw every chart of the page over its static image, and draw it again when the page turns dark or light.
// A page without charts loads nothing; without this script the static images stay.
(() => {
  // This script's own address tells where the bundle lies, however deep the page is.
  const here = document.currentScript.src;

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

  const draw = async (figure) => {
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const canvas = figure.querySelector(".chart-canvas") ?? document.createElement("div");
    canvas.className = "chart-canvas";
    figure.append(canvas);
    figure.view?.finalize();
    const { view } = await vegaEmbed(canvas, spec, {
      renderer: "svg",
      config: colours(),
      actions: { export: true, source: false, compiled: false, editor: false },
    });
    figure.view = view;
    figure.querySelector(".chart-static")?.setAttribute("hidden", "");
    // Names for screen readers, which Vega leaves out.
    canvas.querySelector("summary")?.setAttribute("aria-label", "Save this chart as an image");
    canvas.querySelectorAll('[class*="brush_"]').forEach((part) => part.setAttribute("aria-hidden", "true"));
    figure.dataset.drawn = document.documentElement.dataset.theme ?? "light";
  };

  const start = () => {
    const figures = [...document.querySelectorAll(".chart")];
    if (!figures.length) return;
    // One drawing at a time: a change of theme during a drawing waits for it.
    let last = Promise.resolve();
    const drawAll = () => {
      last = last.then(() => Promise.all(figures.map(draw))).catch((error) => console.error(error));
    };
    const bundle = document.createElement("script");
    bundle.src = new URL("offline/vega.js", here);
    bundle.onload = () => {
      drawAll();
      new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    };
    document.head.append(bundle);
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
