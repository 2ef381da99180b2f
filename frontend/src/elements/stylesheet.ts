/**
 * How the elements look. It is adopted, not inlined, so that `style-src 'self'` allows it. Colours
 * follow the `color-scheme` of the page around; each is a custom property that the page may set.
 */
const CSS = `
:host {
  --_accent: var(--pushjobs-accent, light-dark(#0b57d0, #8ab4f8));
  --_track: var(--pushjobs-track, light-dark(#e3e7ec, #30363d));
  --_line: var(--pushjobs-line, light-dark(#8c959f, #79828c));
  --_quiet: var(--pushjobs-quiet, light-dark(#57606a, #a4adb7));
  --_danger: var(--pushjobs-danger, light-dark(#b3261e, #f2b8b5));
  --_success: var(--pushjobs-success, light-dark(#146c2e, #6dd58c));
  --_radius: var(--pushjobs-radius, 0.375rem);
  display: block;
  min-width: 0;
  margin-block: 1rem;
  overflow-wrap: anywhere;
}
:host([hidden]), [hidden] { display: none !important; }
[part~=job] { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem; }
[part~=header], [part~=actions] {
  display: flex; flex-wrap: wrap; gap: 0.25rem 0.75rem; align-items: baseline;
}
[part~=name] { flex: 1 1 auto; font-weight: 600; }
[part~=time], [part~=percent], [part~=message], [part~=empty] { color: var(--_quiet); }
[part~=percent] { font-variant-numeric: tabular-nums; }
[part~=time] { font-size: 0.875em; }
[part~=state], [part~=message], [part~=error], [part~=note], [part~=empty] { margin: 0; }
[part~=connection], [part~=note] { display: block; color: var(--_danger); }
[part~=error], [data-status=failed] [part~=status] { color: var(--_danger); }
[data-status=succeeded] [part~=status] { color: var(--_success); }
[part~=bar] {
  display: block;
  box-sizing: border-box;
  width: 100%;
  height: 0.75rem;
  appearance: none;
  overflow: hidden;
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  background: var(--_track);
}
[part~=bar]::-webkit-progress-bar { background: var(--_track); }
[part~=bar]::-webkit-progress-value { background: var(--_accent); }
[part~=bar]::-moz-progress-bar { background: var(--_accent); }
[part~=bar]:indeterminate {
  background: linear-gradient(90deg, var(--_track) 35%, var(--_accent) 50%, var(--_track) 65%) 50% 0 / 300% 100%;
}
[part~=bar]:indeterminate::-webkit-progress-bar { background: transparent; }
[part~=bar]:indeterminate::-moz-progress-bar { background: transparent; }
@media (prefers-reduced-motion: no-preference) {
  [part~=bar]:indeterminate { animation: stripe 2s linear infinite; }
}
@keyframes stripe {
  from { background-position: 100% 0; }
  to { background-position: -50% 0; }
}
[part~=message], [part~=error], [part~=output], [part~=result], .block { unicode-bidi: plaintext; }
[part~=output], [part~=result] {
  max-height: var(--pushjobs-output-height, 16rem);
  margin: 0;
  padding: 0.5rem 0.75rem;
  overflow: auto;
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  font: 0.875em/1.5 ui-monospace, monospace;
  white-space: pre-wrap;
}
.block { display: block; }
[part~=link] { color: var(--_accent); padding: 0.5rem 0; }
[part~=button] {
  min-height: 2.75rem;
  padding: 0 1.25rem;
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  background: transparent;
  color: inherit;
  font: inherit;
  cursor: pointer;
}
[part~=button][aria-disabled=true] { color: var(--_quiet); cursor: default; }
[part~=list] { margin: 0; padding: 0; list-style: none; }
[part~=row] { padding: 1rem 0; border-bottom: 1px solid var(--_line); }
[part~=row]:first-child { padding-top: 0; }
[part~=more] { margin-top: 1rem; }
[data-status=failed] [part~=bar],
[data-status=cancelled] [part~=bar],
[part~=row] [data-status=succeeded] [part~=bar] { display: none; }
[part~=live] { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
@media (forced-colors: active) {
  [part~=bar] { appearance: auto; animation: none !important; }
  [part~=button][aria-disabled=true] { color: GrayText; }
}
`;

const sheets = new WeakMap<Document, CSSStyleSheet>();

/** Style a shadow tree; all of a document share one sheet, which no other may have. */
export function adoptStyles(root: ShadowRoot): void {
  const { defaultView } = root.ownerDocument;
  if (!defaultView) return; // A document that is not shown.
  let sheet = sheets.get(root.ownerDocument);
  if (!sheet) {
    sheet = new defaultView.CSSStyleSheet();
    sheet.replaceSync(CSS);
    sheets.set(root.ownerDocument, sheet);
  }
  root.adoptedStyleSheets = [sheet];
}
