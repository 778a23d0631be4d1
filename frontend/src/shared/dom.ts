/**
 * Elements made without markup: text is set as text and attributes by name, so no
 * value from a database is ever parsed as HTML.
 */

/** What an element may be given. `null` and `false` leave an attribute out. */
export type Attributes = Record<string, string | number | boolean | null | undefined>;
/** What may stand inside an element. */
export type Child = Node | string | null | undefined;

const SVG = "http://www.w3.org/2000/svg";
/** Names through which a value could run code or leave the page. */
const REFUSED = /^(?:on|href$|xlink:href$|src$|srcdoc$|style$|action$|formaction$)/i;

/** An HTML element. */
export function html<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag) as SVGElementTagNameMap[K], attributes, children);
}

/** Set or remove attributes of an element. */
export function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (REFUSED.test(name)) throw new Error(`the attribute ${name} is not set from data`);
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  setAttributes(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
