/** An element with text or children; text is never read as HTML, whatever the robot says. */
export function make(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

export function row(name: string, value: string, className = ''): HTMLElement {
  return make('div', 'row', make('span', '', name), make('span', className, value));
}
