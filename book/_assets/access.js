// Faults of the theme that a keyboard or a screen reader meets, mended where its templates leave no room.
(() => {
  const name = (element, words) => words && !element.hasAttribute("aria-label") && element.setAttribute("aria-label", words);

  // What scrolls sideways can be reached by keyboard: formulas, and outputs in a box of their own.
  const reach = () => {
    const boxes = '.formula, .cell_output .output, .tag_scroll-output .cell_output, pre';
    document.querySelectorAll(boxes).forEach((box) => {
      const hidden = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight + 1;
      const scrolls = hidden && /auto|scroll/.test(getComputedStyle(box).overflow);
      if (!scrolls) return;
      box.tabIndex = 0;
      if (!box.hasAttribute("role")) box.setAttribute("role", "group");
      name(box, box.matches(".formula") ? "Formula" : "Output, scrolls");
    });
  };

  const start = () => {
    // A button is called by the words on it: "Search Ctrl+K".
    document.querySelectorAll(".search-button-field").forEach((button) => button.removeAttribute("aria-label"));
    document.querySelectorAll(".toggle-button").forEach((button) => (button.ariaLabel = "Show or hide"));
    // What opens the pages below one in the sidebar is an arrow without words.
    document.querySelectorAll(".bd-sidebar-primary summary").forEach((arrow) => {
      name(arrow, `Pages below ${arrow.closest("li")?.querySelector("a")?.textContent.trim() ?? "this"}`);
    });
    // The title of the book stands in the sidebar, which is no landmark.
    const sidebar = document.querySelector("#pst-primary-sidebar");
    if (sidebar) sidebar.setAttribute("role", "complementary"), name(sidebar, "Book");
    document.querySelectorAll(".skip-link").forEach((link) => (link.role = "navigation", name(link, "Skip")));
    let soon;
    addEventListener("resize", () => (clearTimeout(soon), (soon = setTimeout(reach, 200))));
    addEventListener("load", reach);
  };
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
