// What a reader meets on a page: its length, where its first result stands, what is off the screen.
() => {
  const SCREEN = 900;
  // pixels of the smallest tick labels in a picture of its own size, and in its narrow form
  const TICK = 8.5 / 72 * 100, NARROW = 9 / 72 * 100;
  const article = document.querySelector('article') || document.body;
  const shown = element => element.getClientRects().length > 0
    && element.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true});
  const proper = image => /[a-z]+ [a-z]+/i.test(image.alt) && !/\.(png|svg)|^<Figure/.test(image.alt);
  const top = element => element.getBoundingClientRect().top + scrollY;

  // Tab stops by itself at what scrolls in Chromium, and axe-core is content; elsewhere it does not.
  const focusable = 'a[href], button, input, select, textarea, [tabindex]:not([tabindex="-1"])';
  const still = [...article.querySelectorAll('*')].filter(shown)
    .filter(e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
      && e.scrollWidth > e.clientWidth + 1)
    .filter(e => !e.matches(focusable) && !e.querySelector(focusable));
  const images = [...article.querySelectorAll('img')];
  const results = [...article.querySelectorAll('.cell_output img, .cell_output table, canvas')].filter(shown);
  const beyond = table => {
    const frame = table.parentElement.getBoundingClientRect();
    const last = [...table.querySelectorAll('thead tr')].pop() || table.rows[0];
    const title = table.parentElement.getAttribute('aria-label') || 'table';
    return [...(last?.cells || [])].filter(c => c.getBoundingClientRect().right > frame.right + 1)
      .map(c => `${title.slice(0, 60)}: ${c.textContent.trim()}`);
  };
  const off = [...article.querySelectorAll('table')].filter(shown).flatMap(beyond);
  const letters = [...article.querySelectorAll('.picture img')].filter(shown).filter(i => i.naturalWidth)
    .map(i => ({file: i.currentSrc.split('/').pop(),
      pixels: (i.currentSrc === i.src ? TICK : NARROW) * i.clientWidth / i.naturalWidth}));
  const code = [...article.querySelectorAll('.cell_input')].filter(shown)
    .reduce((sum, e) => sum + e.getBoundingClientRect().height, 0);
  const height = article.getBoundingClientRect().height;
  const loaded = performance.getEntriesByType('resource')
    .concat(performance.getEntriesByType('navigation')).reduce((sum, e) => sum + e.decodedBodySize, 0);
  const lead = article.querySelector('.tag_finding');
  return {
    finding: lead ? top(lead) / SCREEN : null,
    alts: images.map(i => i.alt),
    screens: document.documentElement.scrollHeight / SCREEN,
    first: results.length ? top(results[0]) / SCREEN : null,
    code: code / height,
    images: images.length,
    described: images.filter(proper).length,
    beyond: off.length,
    off: off,
    letters: letters,
    bytes: loaded,
    blank: [...article.querySelectorAll('th[scope]')].filter(shown)
      .filter(t => !t.textContent.trim()).map(t => t.outerHTML.slice(0, 120)),
    still: still.map(e => e.outerHTML.slice(0, 120)),
    text: article.innerText,
  };
}
