/** The looks of the elements: constructed style sheets, which a strict CSP allows. */

const sheets = new Map<string, CSSStyleSheet>();

/** Return a style sheet, made once. */
export function sheet(css: string): CSSStyleSheet {
  const found = sheets.get(css);
  if (found) return found;
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  sheets.set(css, made);
  return made;
}

const DARK = `
  color-scheme: dark;
  --ink: var(--notifier-ink, #e7e9ef); --soft: var(--notifier-soft, #a3abbc);
  --card: var(--notifier-card, #171b25); --line: var(--notifier-line, #303747);
  --accent: var(--notifier-accent, #a5a0ff); --on-accent: var(--notifier-on-accent, #14123a);
  --hover: var(--notifier-hover, #232938); --badge: var(--notifier-badge, #ff8d85);
  --on-badge: var(--notifier-on-badge, #2b0605);
  --info: #7ab7ff; --success: #5dd990; --warning: #f3c15f; --error: #ff8d85;
  --shadow: 0 1px 2px #0008, 0 12px 32px #0009;
`;

export const COMMON = `
:host {
  color-scheme: light;
  --ink: var(--notifier-ink, #171a23); --soft: var(--notifier-soft, #596173);
  --card: var(--notifier-card, #fff); --line: var(--notifier-line, #dfe2ea);
  --accent: var(--notifier-accent, #4f46e5); --on-accent: var(--notifier-on-accent, #fff);
  --hover: var(--notifier-hover, #f0f1f6); --badge: var(--notifier-badge, #b3261e);
  --on-badge: var(--notifier-on-badge, #fff);
  --info: #1a66c2; --success: #14743b; --warning: #8a5a00; --error: #b3261e;
  --shadow: 0 1px 2px #10182814, 0 12px 32px #10182826;
  --radius: var(--notifier-radius, 12px);
  font: var(--notifier-font, 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif);
  color: var(--ink);
}
@media (prefers-color-scheme: dark) { :host(:not([theme="light"])) { ${DARK} } }
:host([theme="dark"]) { ${DARK} }
:host([hidden]), [hidden] { display: none !important }
*, ::before { box-sizing: border-box }
p, ul, h2, h3 { margin: 0; padding: 0; font: inherit }
ul { list-style: none }
button {
  font: inherit; color: inherit; background: none; border: 1px solid transparent;
  border-radius: 8px; padding: .3rem .6rem; cursor: pointer;
}
button:hover { background: var(--hover) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
svg {
  display: block; inline-size: 1.15rem; block-size: 1.15rem; fill: none; stroke: currentColor;
  stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round;
}
.hidden {
  position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.title { font-weight: 600; overflow-wrap: anywhere }
.body { overflow-wrap: anywhere; white-space: pre-line }
.meta { color: var(--soft); font-size: .85em }
.actions { display: flex; flex-wrap: wrap; gap: .3rem .9rem; margin-block-start: .3rem }
.actions:empty { display: none }
.actions a { color: var(--accent); font-weight: 600; text-underline-offset: 3px }
.mark { color: var(--info) }
[data-severity="success"] .mark { color: var(--success) }
[data-severity="warning"] .mark { color: var(--warning) }
[data-severity="error"] .mark { color: var(--error) }
`;
