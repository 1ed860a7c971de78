export const CSS = `
:host { display: block; background: var(--card) }
header { padding: 1rem 1rem .6rem }
h2 { font-size: 1.25rem; font-weight: 700 }
h3 { font-size: 1.05rem; font-weight: 700; margin-block-end: .2rem }
section { padding: 1rem; border-block-start: 1px solid var(--line) }
fieldset { min-inline-size: 0; margin: 0; padding: .7rem 0; border: 0 }
fieldset + fieldset { border-block-start: 1px solid var(--line) }
legend { float: inline-start; inline-size: 100%; padding: 0; font-weight: 600; overflow-wrap: anywhere }
legend + * { clear: both }
.meta { overflow-wrap: anywhere }
.boxes { display: flex; flex-wrap: wrap; gap: .1rem 1.4rem; margin-block-start: .3rem }
.box { display: inline-flex; align-items: center; gap: .5rem; min-block-size: 2rem; cursor: pointer }
input[type="checkbox"] {
  inline-size: 1.15rem; block-size: 1.15rem; margin: 0; accent-color: var(--accent); cursor: pointer;
}
.fields { display: flex; flex-wrap: wrap; gap: .7rem 1rem; margin-block-start: .5rem }
.field { display: flex; flex-direction: column; gap: .25rem; min-inline-size: 0; max-inline-size: 100% }
.field > span { color: var(--soft); font-size: .85em }
fieldset > .field { margin-block-start: .5rem; inline-size: fit-content }
fieldset + .field { padding-block-start: .7rem; border-block-start: 1px solid var(--line) }
fieldset + .field select { align-self: start }
select, input[type="time"] {
  max-inline-size: 100%; padding: .4rem .6rem; border: 1px solid var(--soft); border-radius: 8px;
  background: var(--card); color: inherit; font: inherit;
}
.buttons { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; margin-block-start: .6rem }
.buttons:empty { display: none }
.buttons button, .foot button { border-color: var(--soft); font-weight: 600 }
[data-key="quiet save"] { background: var(--accent); color: var(--on-accent); border-color: transparent }
[data-key="quiet save"]:hover { background: var(--accent); filter: brightness(1.1) }
[data-key="leave"], [data-key="sure"] { color: var(--error) }
.wrong { color: var(--error); font-weight: 600 }
.note { padding: 1.4rem 1rem; color: var(--soft) }
.foot { position: sticky; inset-block-end: 0; z-index: 1; display: grid; justify-items: start; outline-offset: -2px }
.foot > * > * {
  display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .8rem; margin: .5rem 1rem; padding: .5rem .9rem;
  border: 1px solid var(--line); border-radius: var(--radius); background: var(--card); box-shadow: var(--shadow);
}
.foot .failed > * { border-color: var(--error) }
`;
