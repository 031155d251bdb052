// Which results of the search come first, and what is shown of them. Sphinx puts this into language_data.js.
var Scorer = {
  // [page, title, anchor, description, score, file]; objects of the library have a description.
  score: ([page, , , description, score]) => {
    if (page === "glossary") return score + 60;
    if (page === "api" || /^(genindex|py-modindex|references)/.test(page)) return score - 200;
    if (description && /^Python /.test(description)) return score - 200;
    if (page.startsWith("chapters/")) return score + 20;
    return page.startsWith("experiments/") ? score : score + 5;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

(() => {
  if (typeof Search === "undefined") return;
  // A page opened as a file may not read the other pages: results without an excerpt.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  const NOISE = ".cell_input, .math, script, style, .headerlink, .chart-line, .ledger, noscript, .onlyprint, .bd-header-article, .bd-sidebar-secondary, .prev-next-footer, footer";
  Search.htmlToText = (source, anchor) => {
    const page = new DOMParser().parseFromString(source, "text/html");
    page.querySelectorAll(NOISE).forEach((part) => part.remove());
    const main = page.querySelector("article") ?? page.querySelector('[role="main"]');
    const part = anchor ? (page.getElementById(anchor.slice(1)) ?? main) : main;
    // A term of a glossary is explained by what follows it.
    const text = part?.tagName === "DT" ? `${part.textContent} ${part.nextElementSibling?.textContent}` : part?.textContent;
    return (text ?? "").replace(/\s+/g, " ").trim();
  };
})();
