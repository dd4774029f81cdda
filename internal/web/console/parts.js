// What every section of the console is built from.

import { knows, language } from '../chat/language.js';
import { el } from '../chat/render.js';
import { Problem } from './api.js';

/** word is a value from a closed set of the API in the reader's language, or as it is where it is new. */
export function word(set, value) {
  const key = `${set}_${value}`;
  return knows(key) ? el('span', { 'data-text': key }) : el('span', {}, String(value));
}

/** pair is a name with its value; nothing where there is none. */
export function pair(key, ...values) {
  const shown = values.filter((value) => value !== null && value !== undefined && value !== '');
  return shown.length ? el('span', { class: 'pair' }, el('span', { class: 'name', 'data-text': key }), ' ', ...shown.map(text)) : '';
}

/** person is a user by their id. */
export const person = (id) => (id === 'anonymous' ? el('span', { 'data-text': id }) : id);

export const text = (value) => (value instanceof Node ? value : String(value));

export const number = (value, digits = 0) => value.toLocaleString('en', { maximumFractionDigits: digits });
export const usd = (value) => `$${value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 6 })}`;
export const score = (value) => value.toFixed(3);
export const ms = (nanoseconds) => `${number(nanoseconds / 1e6, 1)} ms`;

/** when shows a moment by how long ago it was, with the exact one for those who hover. */
export function when(moment) {
  const node = el('time', { datetime: moment });
  reword(node);
  return node;
}

const units = [['year', 31536000], ['month', 2592000], ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];

function reword(node) {
  const at = new Date(node.dateTime);
  const seconds = (at - Date.now()) / 1000;
  const [unit, length] = units.find(([, l]) => Math.abs(seconds) >= l) ?? units.at(-1);
  const locale = language === 'zh' ? 'zh-CN' : 'en';
  node.textContent = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(Math.round(seconds / length), unit);
  node.title = at.toLocaleString(locale);
}

document.addEventListener('language', () => document.querySelectorAll('time').forEach(reword));

/** button does something when it is pressed; while that takes, it cannot be pressed again. */
export function button(key, act, attributes = {}) {
  const node = el('button', { type: 'button', 'data-text': key, ...attributes });
  node.addEventListener('click', () => busy(node, act));
  return node;
}

/** form calls send with its fields by name when it is submitted. */
export function form(attributes, send, ...children) {
  const node = el('form', attributes, ...children);
  node.addEventListener('submit', (event) => {
    event.preventDefault();
    busy(node.querySelector('button:not([type=button])'), () => send(Object.fromEntries(new FormData(node)), node));
  });
  return node;
}

/** busy carries act out and shows beside node why it failed, if it did. */
async function busy(node, act) {
  if (node.getAttribute('aria-disabled') === 'true') return;
  node.setAttribute('aria-disabled', 'true'); // disabled would lose the focus
  const place = node.closest('form, dialog, [data-notices]') ?? node.parentElement;
  place.querySelector(':scope > .failed')?.remove();
  try {
    await act();
  } catch (error) {
    place.append(failure(error));
  }
  node.removeAttribute('aria-disabled');
}

/** failure says why something was not done. */
export function failure(error) {
  if (!(error instanceof Problem)) {
    console.error(error);
    return el('p', { class: 'notice failed', role: 'alert', 'data-text': 'failed' });
  }
  const key = knows(`p_${error.code}`) ? `p_${error.code}` : 'failed';
  const detail = error.detail && (key === 'failed' || language !== 'zh') ? error.detail : '';
  return el('p', { class: 'notice failed', role: 'alert' }, detail || el('span', { 'data-text': key }));
}

/** announce tells those who do not see the page what has happened. */
export function announce(node) {
  document.querySelector('[role=status]').replaceChildren(node);
}

/** field is a labelled input, select or textarea. */
export function field(key, control) {
  return el('label', { class: 'field' }, el('span', { 'data-text': key }), control);
}

export function choice(name, options, selected = '') {
  return el('select', { name }, ...options.map(([value, label]) => {
    const attributes = { value, ...(value === selected && { selected: '' }) };
    return knows(label) ? el('option', { ...attributes, 'data-text': label }) : el('option', attributes, label);
  }));
}

/**
 * table has a row for each item; on a narrow page each row is a block with the
 * columns' names in it. The roles make it a table there too.
 */
export function table(key, columns, rows) {
  const head = el('tr', { role: 'row' }, ...columns.map((column) => el('th', { role: 'columnheader', scope: 'col', 'data-text': column })));
  const body = rows.map((cells) => el('tr', { role: 'row' }, ...cells.map((cell, i) => (
    el('td', { role: 'cell' }, el('span', { class: 'column', 'aria-hidden': 'true', 'data-text': columns[i] }), ...[cell].flat().map(text))))));
  const parts = [el('thead', { role: 'rowgroup' }, head), el('tbody', { role: 'rowgroup' }, ...body)];
  return el('div', { class: 'scroll' }, el('table', { role: 'table', 'data-label': key }, ...parts));
}

/** sure asks before something is done that cannot simply be undone. */
export function sure(question, key, act) {
  const dialog = el('dialog', { 'aria-labelledby': 'sure' });
  const close = () => dialog.close();
  dialog.append(
    el('p', { id: 'sure' }, ...question),
    el('div', { class: 'row' }, button(key, async () => {
      await act();
      close();
    }, { class: 'danger' }), button('cancel', close)),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export const empty = (key) => el('p', { class: 'empty', 'data-text': key });
