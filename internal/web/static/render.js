// Turns text from outside into nodes. It becomes text nodes only, never
// markup, and the only links are those made by link.

import { say } from './language.js';

/** el makes an element; data-text and data-label are worded at once. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (attributes['data-text']) node.textContent = say(attributes['data-text']);
  if (attributes['data-label']) node.setAttribute('aria-label', say(attributes['data-label']));
  node.append(...children);
  return node;
}

/** link leads to url where its scheme is harmless, and is mere text elsewhere. */
export function link(url, text, ...schemes) {
  let safe = false;
  try {
    safe = url !== '' && schemes.includes(new URL(url, location.href).protocol);
  } catch { /* not an address */ }
  if (!safe) return el('span', {}, text);
  const web = schemes.includes('https:');
  return el('a', { href: url, ...(web && { target: '_blank', rel: 'noopener noreferrer' }) }, text);
}

export const page = (url, text) => link(url ?? '', text, 'https:', 'http:');

const item = /^\s*(?:[-*•]\s+|(\d{1,3})(?:[.)]\s+|、\s*))(.*)$/;
const heading = /^#{1,6}\s+(.*)$/;
const row = /^\s*\|.*\|/;
const underHead = /^\s*\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?)?\s*$/;

const cells = (line) => line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());

/**
 * blocks cuts text into paragraphs, lists and tables. Each is {kind, start, lines}, where a list's lines are its items
 * and a table's first line is its head.
 */
export function blocks(text) {
  const found = [];
  let open = null;
  for (const line of text.split('\n')) {
    const [, number, content] = item.exec(line) ?? [];
    const title = heading.exec(line);
    if (line.trim() === '') {
      open = null;
    } else if (title) {
      found.push({ kind: 'p', lines: [`**${title[1]}**`] });
      open = null;
    } else if (content !== undefined) {
      const kind = number ? 'ol' : 'ul';
      if (open?.kind !== kind) found.push(open = { kind, start: number ?? 1, lines: [] });
      open.lines.push(content);
    } else if (open?.kind === 'table' && row.test(line)) {
      open.lines.push(line);
    } else if (open?.kind === 'p' && underHead.test(line) && row.test(open.lines.at(-1))) {
      const head = open.lines.pop();
      if (open.lines.length === 0) found.pop();
      found.push(open = { kind: 'table', lines: [head] });
    } else if (open && /^[uo]l$/.test(open.kind) && /^\s/.test(line)) {
      open.lines.push(`${open.lines.pop()}\n${line.trim()}`);
    } else {
      if (open?.kind !== 'p') found.push(open = { kind: 'p', lines: [] });
      open.lines.push(line);
    }
  }
  return found;
}

/** block makes the node of one block; cite makes the node of the citation n. */
export function block({ kind, start, lines }, cite) {
  if (kind === 'p') return el('p', {}, ...inline(lines.join('\n'), cite));
  if (kind === 'table') return grid(lines.map(cells), cite);
  const items = lines.map((line) => el('li', {}, ...inline(line, cite)));
  return el(kind, kind === 'ol' ? { start } : {}, ...items);
}

/** grid is a table that scrolls where it is wider than the page. What stands behind a row's last cell, such as a citation, joins that. */
function grid([head, ...rows], cite) {
  const line = (tag, texts) => el('tr', {}, ...texts.map((text) => el(tag, tag === 'th' ? { scope: 'col' } : {}, ...inline(text, cite))));
  const fitted = rows.map((texts) => [...texts.slice(0, head.length - 1), texts.slice(head.length - 1).join(' ')]);
  return el('div', { class: 'wide', tabindex: '0' },
    el('table', {}, el('thead', {}, line('th', head)), el('tbody', {}, ...fitted.map((texts) => line('td', texts)))));
}

function inline(text, cite) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(/\*\*(\S(?:[^*]*\S)?)\*\*|\[(\d{1,3})\]|`([^`\n]+)`|\n/g)) {
    nodes.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[1]) nodes.push(el('strong', {}, ...inline(match[1], cite)));
    else if (match[2]) nodes.push(cite(Number(match[2])));
    else nodes.push(match[3] ? el('code', {}, match[3]) : el('br'));
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== '');
}

/** settled leaves out a suffix that may become a citation or bold text. */
export const settled = (text) => text.replace(/(?:\[\d{0,3}|\*{1,2})$/, '');

/** spoken is text without its marks, for screen readers. */
export const spoken = (text) => text.split('\n').filter((line) => !underHead.test(line))
  .map((line) => (row.test(line) ? cells(line).join(', ') : line)).join('\n').replace(/\s*\[\d{1,3}\]|\*\*|`|^#+\s+/gm, '');
