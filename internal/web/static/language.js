// The language of a page, and what it says in it.

import { always } from './store.js';

const remembered = 'kefu.language';
const known = ['en', 'zh'];
let texts = {};

/** speak gives the page its words, by language and key. */
export const speak = (words) => (texts = words);

/** language is the one chosen here before, else the browser's first that we have. */
export let language = always?.getItem(remembered) ?? preferred();

function preferred() {
  const first = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => known.includes(tag));
  return first ?? 'en';
}

export const say = (key) => texts[language][key];

/** knows tells whether there are words for a key: what a server calls something may be new. */
export const knows = (key) => key in texts[language];

/** localise words everything below root: data-text is content, data-hint a placeholder, data-label a name for screen readers. */
export function localise(root) {
  for (const node of root.querySelectorAll('[data-text]')) node.textContent = say(node.dataset.text);
  for (const node of root.querySelectorAll('[data-hint]')) node.placeholder = say(node.dataset.hint);
  for (const node of root.querySelectorAll('[data-label]')) node.setAttribute('aria-label', say(node.dataset.label));
}

export function switchLanguage() {
  language = language === 'en' ? 'zh' : 'en';
  always?.setItem(remembered, language);
  showLanguage();
}

/** suggestLanguage speaks the language of a tag, such as zh-CN, unless another was chosen here before. */
export function suggestLanguage(tag) {
  const suggested = tag.slice(0, 2).toLowerCase();
  if (always?.getItem(remembered) || !known.includes(suggested)) return;
  language = suggested;
  showLanguage();
}

/** showLanguage makes the whole page, old answers included, speak the language. */
export function showLanguage() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  const button = document.getElementById('language');
  button.textContent = say('other');
  button.lang = language === 'zh' ? 'en' : 'zh-CN';
  localise(document);
  document.dispatchEvent(new Event('language'));
}
