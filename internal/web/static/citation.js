import { el, page } from './render.js';
import { localise } from './language.js';

const linger = 200; // ms in which the pointer may reach the card

/**
 * <kefu-citation> is one [n]. Hover, focus or a tap opens the passage; a second
 * tap, Escape or leaving closes it.
 */
export class Citation extends HTMLElement {
  #source;
  #button;
  #card = null;
  #pinned = false; // by a tap: stays when the pointer leaves
  #quiet = false; // the focus returns and opens nothing
  #open = null; // aborts the listeners of an open card
  #leaving = 0;

  constructor(source) {
    super();
    this.#source = source;
    this.#button = el('button', { type: 'button', 'aria-expanded': 'false', 'aria-label': `[${source.index}] ${source.title}` }, String(source.index));
  }

  connectedCallback() {
    this.append(this.#button);
    this.#button.addEventListener('click', () => this.#tap());
    this.#button.addEventListener('focus', () => this.#quiet || this.#show());
    this.addEventListener('focusout', (event) => this.contains(event.relatedTarget) || this.#hide());
    this.addEventListener('pointerenter', (event) => event.pointerType === 'mouse' && this.#show());
    this.addEventListener('pointerleave', () => this.#leave());
  }

  disconnectedCallback() {
    this.#hide();
  }

  #tap() {
    if (this.#pinned) return this.#hide();
    this.#show();
    this.#pinned = true;
  }

  #dismiss(event) {
    event.stopPropagation(); // Escape does not stop the answer as well
    if (this.#card.contains(document.activeElement)) {
      this.#quiet = true;
      this.#button.focus();
      this.#quiet = false;
    }
    this.#hide();
  }

  #leave() {
    if (this.#pinned || this.contains(document.activeElement)) return;
    this.#leaving = setTimeout(() => this.#hide(), linger);
  }

  #show() {
    clearTimeout(this.#leaving);
    if (this.#card) return;
    const { title, quote, url } = this.#source;
    const close = el('button', { type: 'button', class: 'close', 'data-label': 'close' }, '×');
    close.addEventListener('click', (event) => this.#dismiss(event));
    const open = page(url, '');
    if (open.href) open.dataset.text = 'open';
    this.#card = el('span', { class: 'card', popover: 'manual', role: 'group', 'aria-label': title },
      el('strong', {}, title), close, el('q', {}, quote), open);
    localise(this.#card);
    this.append(this.#card);
    this.#card.showPopover();
    this.#place();
    this.#button.setAttribute('aria-expanded', 'true');
    this.#open = new AbortController();
    const { signal } = this.#open;
    addEventListener('scroll', () => this.#place(), { signal, passive: true });
    addEventListener('resize', () => this.#place(), { signal });
    addEventListener('keydown', (event) => event.key === 'Escape' && this.#dismiss(event), { signal, capture: true });
    addEventListener('pointerdown', (event) => this.contains(event.target) || this.#hide(), { signal });
  }

  #hide() {
    clearTimeout(this.#leaving);
    this.#pinned = false;
    if (!this.#card) return;
    this.#open.abort();
    const card = this.#card;
    this.#card = null;
    card.remove();
    this.#button.setAttribute('aria-expanded', 'false');
  }

  /** #place puts the card below the number, or above where there is no room; a narrow page shows it at its foot instead. */
  #place() {
    const mark = this.#button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#card;
    const below = mark.bottom + height < innerHeight;
    const x = Math.max(8, Math.min(mark.left, document.documentElement.clientWidth - width - 8));
    this.#card.style.setProperty('--x', `${x}px`);
    this.#card.style.setProperty('--y', `${Math.max(8, below ? mark.bottom : mark.top - height)}px`);
  }
}

customElements.define('kefu-citation', Citation);
