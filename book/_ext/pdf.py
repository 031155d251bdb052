"""The chapters of the built site as one PDF, by Chromium: python book/_ext/pdf.py build/_build/html OUT.

Every page is opened, its charts and formulas are drawn, and its article is put into one page that is printed.
Chapters are the first level of the sidebar up to the part "Use".
"""

import re
import shutil
import sys
from pathlib import Path

from attnlib.cache import check_output

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHAPTERS = """() => {
  const found = [];
  for (const part of document.querySelectorAll(".bd-docs-nav p.caption, .bd-docs-nav .bd-sidenav > li > a")) {
    if (part.matches("p") && part.textContent.trim() === "Use") break;
    if (part.matches("a")) found.push(part.href.split("#")[0]);
  }
  return found;
}"""
# Addresses must hold wherever an article is put.
ARTICLE = """async () => {
  const article = document.querySelector("article");
  const figures = [...article.querySelectorAll("figure.chart")];
  while (!figures.every(figure => figure.dataset.drawn)) await new Promise(done => setTimeout(done, 100));
  article.querySelectorAll("img").forEach(part => (part.src = part.src));
  article.querySelectorAll("a").forEach(part => (part.href = part.href));
  article.querySelectorAll("script, .chart-static, .ledger").forEach(part => part.remove());
  return article.innerHTML;
}"""


def write(site, target):
    """Print the chapters of a site into a file."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    index = Path(site, "index.html").resolve().as_uri()
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 1200}, color_scheme="light")
        page.goto(index)
        articles = []
        for chapter in dict.fromkeys(page.evaluate(CHAPTERS)):
            page.goto(chapter)
            # Names within a drawing are known to its page alone, and point into it.
            article = re.sub(r"url\([^)#]*#", "url(#", page.evaluate(ARTICLE))
            article = re.sub(r"\b(clip|gradient_)(?=\d)", rf"\g<1>{len(articles)}_", article)
            articles.append(f'<section style="break-after: page">{article}</section>')
        page.goto(index)
        page.evaluate("words => document.querySelector('article').innerHTML = words", "".join(articles))
        margin = dict.fromkeys(("top", "bottom", "left", "right"), "18mm")
        page.pdf(path=str(target), format="A4", margin=margin, outline=True, tagged=True)
        browser.close()
    print(f"{target}: {len(articles)} chapters, {Path(target).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    try:
        check_output(sys.argv[2], name="book.pdf")
    except ValueError as error:
        sys.exit(f"pdf: {error}")
    write(sys.argv[1], sys.argv[2])
