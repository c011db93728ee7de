import type { FilterSensor, LocalizationState } from '../../types.ts';

/**
 * Every colour of the report: light, then dark. Series colours are Okabe & Ito 2008, told apart with the common forms
 * of colour blindness; the darker ones are lifted in the dark. No two light colours are equal, because a chart drawn
 * in the light ones is turned into CSS variables by its colours (`inCss`).
 */
const COLOURS = {
  paper: ['#ffffff', '#15191e'],
  page: ['#f4f6f8', '#0d1013'],
  ink: ['#1f2933', '#e4e8ec'],
  muted: ['#5b6673', '#a3adb8'],
  line: ['#d5dbe1', '#333b44'],
  blue: ['#0072b2', '#56b4e9'],
  vermilion: ['#d55e00', '#ff8a3d'],
  green: ['#009e73', '#2fc99c'],
  purple: ['#b3579a', '#dd8fc4'],
  amber: ['#e69f00', '#f0b73a'],
  blueTint: ['#cfe3f2', '#1d3a50'],
  amberTint: ['#fbe6b8', '#4c3c12'],
  redTint: ['#f7cdbd', '#5a2a1a'],
  greyTint: ['#e6e9ed', '#2b3138'],
} as const;

export type ColourName = keyof typeof COLOURS;

/** A colour as it is drawn: the light one. */
export function colour(name: ColourName): string {
  return COLOURS[name][0];
}

export const STATE_BAND: Readonly<Record<LocalizationState, ColourName>> = {
  UNINITIALISED: 'greyTint',
  INITIALISING: 'blueTint',
  TRACKING: 'paper',
  DEGRADED: 'amberTint',
  LOST: 'redTint',
};

export const STATE_COLOUR: Readonly<Record<LocalizationState, ColourName>> = {
  UNINITIALISED: 'muted',
  INITIALISING: 'blue',
  TRACKING: 'green',
  DEGRADED: 'amber',
  LOST: 'vermilion',
};

export const SENSOR_COLOUR: Readonly<Record<FilterSensor, ColourName>> = {
  registration: 'blue',
  gnss: 'green',
  odometry: 'purple',
  stationary: 'amber',
};

/** The light colours of a drawing replaced by CSS variables, so that one drawing serves light and dark. */
export function inCss(svg: string): string {
  const names = new Map(Object.entries(COLOURS).map(([name, [light]]) => [light as string, name]));
  return svg.replace(/"(#[0-9a-f]{6})"/g, (quoted, hex: string) => {
    const name = names.get(hex);
    return name === undefined ? quoted : `"var(--${name})"`;
  });
}

/** The declarations of the CSS variables, for one of the two schemes. */
export function cssVariables(scheme: 'light' | 'dark'): string {
  const place = scheme === 'light' ? 0 : 1;
  return Object.entries(COLOURS)
    .map(([name, pair]) => `--${name}:${pair[place]};`)
    .join('');
}
