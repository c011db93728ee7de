import type { Actions } from './actions.ts';
import type { Connection } from './connection.ts';
import { make } from './dom.ts';
import type { Scene } from './scene.ts';
import { language, setLanguage, word } from './words.ts';

interface Button {
  readonly key: string;
  readonly id: string;
  readonly label: () => string;
  readonly run: () => void;
  readonly enabled: () => boolean;
}

export interface BarParts {
  readonly actions: Actions;
  readonly link: Connection;
  readonly scene: Scene;
  readonly hasControl: () => boolean;
  readonly switchTheme: () => void;
}

const always = () => true;

/** The buttons below, and the same by keys. */
export class Bar {
  readonly elements: readonly HTMLElement[];
  readonly #note = make('input', '') as HTMLInputElement;
  readonly #buttons: readonly (Button & { readonly element: HTMLButtonElement })[];

  constructor(parts: BarParts) {
    const commands = this.#commands(parts).map(withElement);
    const views = viewButtons(parts).map(withElement);
    this.#buttons = [...commands, ...views];
    this.#note.maxLength = 500;
    const elementOf = ({ element }: { element: HTMLElement }) => element;
    this.elements = [...commands.map(elementOf), this.#note, ...views.map(elementOf)];
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape') parts.actions.place(false);
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLButtonElement;
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const button = this.#buttons.find(({ key }) => key === event.key.toLowerCase());
      if (!button?.enabled()) return;
      event.preventDefault();
      button.run();
    });
  }

  draw(): void {
    for (const { element, label, enabled } of this.#buttons) {
      const text = element.firstElementChild!;
      if (text.textContent !== label()) text.textContent = label();
      element.disabled = !enabled();
    }
    this.#note.placeholder = word('note');
  }

  #commands({ actions, link, hasControl }: BarParts): Button[] {
    const note = this.#note;
    return [
      {
        key: 'c',
        id: 'take',
        label: () => word(hasControl() ? 'release' : 'take'),
        run: () => link.say({ type: 'control', action: hasControl() ? 'release' : 'take' }),
        enabled: () => link.isOpen && link.welcome?.role === 'operator',
      },
      {
        key: ' ',
        id: 'stop',
        label: () => word('stop'),
        run: () => actions.send({ kind: 'stop' }),
        enabled: hasControl,
      },
      {
        key: 'r',
        id: 'resume',
        label: () => word('resume'),
        run: () => actions.send({ kind: 'resume' }),
        enabled: hasControl,
      },
      {
        key: 'l',
        id: 'relocalise',
        label: () => word('relocalise'),
        run: () => actions.place(true),
        enabled: hasControl,
      },
      {
        key: 'm',
        id: 'mark',
        label: () => word('mark'),
        run: () => {
          actions.send({ kind: 'mark-intervention', note: note.value });
          note.value = '';
        },
        enabled: hasControl,
      },
    ];
  }
}

function viewButtons({ scene, switchTheme }: BarParts): Button[] {
  return [
    {
      key: 'f',
      id: 'follow',
      label: () => word('follow'),
      run: () => {
        scene.follow = !scene.follow;
        if (scene.follow) scene.view('follow');
      },
      enabled: always,
    },
    { key: 't', id: 'top-view', label: () => word('top'), run: () => scene.view('top'), enabled: always },
    {
      key: 'i',
      id: 'colour',
      label: () => word('colour'),
      run: () => {
        scene.byIntensity = !scene.byIntensity;
      },
      enabled: always,
    },
    { key: 'd', id: 'theme', label: () => word('theme'), run: switchTheme, enabled: always },
    {
      key: 'k',
      id: 'language',
      label: () => (language() === 'ko' ? 'English' : '한국어'),
      run: () => setLanguage(language() === 'ko' ? 'en' : 'ko'),
      enabled: always,
    },
  ];
}

function withElement(button: Button): Button & { readonly element: HTMLButtonElement } {
  const element = make('button', button.id === 'stop' ? 'danger' : '') as HTMLButtonElement;
  element.id = button.id;
  element.append(make('span', ''), make('kbd', '', button.key === ' ' ? '␣' : button.key.toUpperCase()));
  element.onclick = ({ detail }) => {
    // A button that was clicked keeps no focus: the space bar is to stop the robot, not to press it again.
    if (detail > 0) element.blur();
    button.run();
  };
  return { ...button, element };
}
