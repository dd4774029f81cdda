package web_test

import "slices"

// audit lists what a customer who sees, hears or points less well would trip
// over: WCAG 2.2 AA contrast (1.4.3), reflow (1.4.10), names (4.1.2) and target
// size (2.5.8).
const audit = `(() => {
	const found = [];
	const about = (e) => e.tagName.toLowerCase() + (e.className ? '.' + e.className : '') + ' "' + e.textContent.slice(0, 30) + '"';
	const visible = (e) => e.checkVisibility() && !e.closest('.unseen');

	const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
	if (wide > 0) found.push('the page is ' + wide + ' px too wide');

	const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
	if (new Set(ids).size !== ids.length) found.push('an id is used twice: ' + ids);

	if (document.body.innerText.includes('undefined')) found.push('the page lacks a word');

	for (const e of document.querySelectorAll('a[href], button, input, select, summary, textarea')) {
		if (!visible(e)) continue;
		const { width, height } = e.getBoundingClientRect();
		if (width < 24 || height < 24) found.push(about(e) + ' is ' + Math.round(width) + '×' + Math.round(height) + ' px small');
		const name = e.getAttribute('aria-label') || e.textContent.trim() || [...(e.labels ?? [])].map((l) => l.textContent).join('');
		if (!name) found.push(about(e) + ' has no name');
	}

	const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
	const luminance = (colour) => {
		const [r, g, b] = rgb(colour).map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
		return .2126 * r + .7152 * g + .0722 * b;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const colour = getComputedStyle(e).backgroundColor;
			if ((rgb(colour)[3] ?? 1) === 1) return colour;
		}
		return 'rgb(255, 255, 255)';
	};
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement;
		if (!texts.currentNode.data.trim() || !visible(e)) continue;
		const [light, dark] = [luminance(getComputedStyle(e).color), luminance(behind(e))].sort((a, b) => b - a);
		const contrast = (light + .05) / (dark + .05);
		if (contrast < 4.5) found.push(about(e) + ' has a contrast of ' + contrast.toFixed(2));
	}
	return found;
})()`

// accessible fails the test for each thing that the audit finds.
func (p *tab) accessible() {
	p.Helper()
	found := js[[]string](p, audit)
	slices.Sort(found)
	for _, barrier := range slices.Compact(found) {
		p.Errorf("barrier: %s", barrier)
	}
}
