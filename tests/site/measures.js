// What a reader meets on a page: its length, where its first result stands, and faults that keep
// people out. Returns an object; the rules carry the names that axe-core gives them.
() => {
  const SCREEN = 900;
  const TICK = 8.5 / 72 * 100;  // pixels of the smallest tick labels in a picture of its own size
  const article = document.querySelector('article') || document.body;
  const all = selector => [...document.querySelectorAll(selector)];
  const shown = element => element.getClientRects().length > 0
    && element.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true});
  const words = element => (element.getAttribute('aria-label') || element.getAttribute('title')
    || element.textContent || '').trim()
    || [...element.querySelectorAll('img')].map(i => i.alt).join('').trim();
  const proper = image => /[a-z]+ [a-z]+/i.test(image.alt) && !/\.(png|svg)|^<Figure/.test(image.alt);
  const name = element => element.tagName.toLowerCase() + '.' + [...element.classList].join('.')
    + ': ' + (element.textContent || element.id || '').trim().slice(0, 40);
  const top = element => element.getBoundingClientRect().top + scrollY;

  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const channels = colour => (colour.match(/[\d.]+/g) || []).map(Number);
  const over = (front, back) => {
    const a = front[3] ?? 1;
    return [0, 1, 2].map(k => a * front[k] + (1 - a) * back[k]);
  };
  const background = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      layers.push(channels(getComputedStyle(e).backgroundColor));
    }
    return layers.reverse().reduce((back, layer) => over(layer, back), [255, 255, 255]);
  };
  const contrast = element => {
    const back = background(element);
    const front = over(channels(getComputedStyle(element).color), back);
    const [low, high] = [luminance(front), luminance(back)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const faint = element => {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !shown(element) || element.closest('svg, mjx-container, [aria-hidden=true], :disabled')) {
      return false;
    }
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    return contrast(element) < (large ? 3 : 4.5) - 0.01;
  };
  const scrolls = element => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX)
    && element.scrollWidth > element.clientWidth + 1;
  const focusable = 'a[href], button, input, select, textarea, [tabindex]:not([tabindex="-1"])';
  const twice = all('[id]').map(e => e.id).filter((id, k, ids) => id && ids.indexOf(id) !== k);
  const levels = [...article.querySelectorAll('h1,h2,h3,h4,h5,h6')].filter(shown)
    .map(h => Number(h.tagName[1]));

  const found = {
    'image-alt': all('img').filter(i => !i.hasAttribute('alt')),
    'link-name': all('a[href]').filter(shown).filter(a => !words(a)),
    'button-name': all('button').filter(shown).filter(b => !words(b)),
    'summary-name': all('summary').filter(shown).filter(s => !words(s)),
    'label': all('input:not([type=hidden]), select, textarea').filter(shown)
      .filter(i => !i.labels?.length && !words(i) && !i.getAttribute('placeholder')),
    'color-contrast': all('body *').filter(faint),
    'scrollable-region-focusable': all('article *').filter(shown).filter(scrolls)
      .filter(e => !e.matches(focusable) && !e.querySelector(focusable)),
    'html-has-lang': all('html:not([lang])'),
    'document-title': document.title.trim() ? [] : all('html'),
    'duplicate-id': twice.map(id => document.getElementById(id)),
    'empty-table-header': all('article th').filter(shown).filter(t => t.scope && !words(t)),
    'tabindex': all('[tabindex]').filter(e => e.tabIndex > 0),
  };
  const jumps = levels.filter((level, k) => k && level > levels[k - 1] + 1);
  if (jumps.length) found['heading-order'] = [article];

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
    .map(i => ({file: i.currentSrc.split('/').pop(), pixels: TICK * i.clientWidth / i.naturalWidth}));
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
    findings: Object.fromEntries(Object.entries(found).filter(([, e]) => e.length)
      .map(([rule, elements]) => [rule, elements.slice(0, 5).map(name)])),
    text: article.innerText,
  };
}
