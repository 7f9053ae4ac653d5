/** The look of the page, by day and by night, on a telephone and on a desk. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --page: #f6f6f4; --panel: #fff; --ink: #1c1e21; --faint: #5c6066; --rule: #dddedf;
  --accent: #0067a3; --good: #00704f; --bad: #b03a0a; --code: #eeeeeb; }
@media (prefers-color-scheme: dark) { :root { --page: #121417; --panel: #1b1e22; --ink: #e7e9ec; --faint: #a3a9b1;
  --rule: #343940; --accent: #6cc0f2; --good: #2fbf94; --bad: #f0824f; --code: #282c32; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 12px; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; overflow-wrap: anywhere; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Liberation Sans", sans-serif; }
.frame { display: grid; grid-template-columns: 290px minmax(0, 1fr); gap: 32px; max-width: 1280px; margin: 0 auto;
  padding: 24px 20px 64px; }
nav { position: sticky; top: 16px; align-self: start; max-height: calc(100vh - 32px); overflow: auto; font-size: 13px; }
nav ul { list-style: none; margin: 0 0 12px; padding: 0; }
nav li a { display: block; padding: 3px 0; overflow-wrap: anywhere; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
h1 { margin: 0 0 8px; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 0; font-size: 1.15rem; line-height: 1.35; overflow-wrap: anywhere; }
h3 { margin: 20px 0 6px; font-size: .95rem; }
p { margin: 6px 0; max-width: 76ch; }
section { margin: 0 0 20px; padding: 18px 20px; background: var(--panel); border: 1px solid var(--rule);
  border-radius: 8px; }
code { padding: 1px 4px; border-radius: 4px; background: var(--code); font: .88em ui-monospace, "Liberation Mono", monospace;
  overflow-wrap: anywhere; }
h2 code, nav code { padding: 0; background: none; font-size: 1em; }
nav code { font-size: 12px; }
.method { display: inline-block; min-width: 3.2em; color: var(--good); font: 700 .85em ui-monospace, monospace; }
.method.post { color: var(--bad); }
nav .method { font-size: 11px; }
.faint { color: var(--faint); font-size: .9em; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 13.5px; }
th { padding: 4px 10px 4px 0; color: var(--faint); font-weight: 600; text-align: left; border-bottom: 1px solid var(--rule); }
td { padding: 5px 10px 5px 0; vertical-align: top; border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; }
td:last-child, th:last-child { padding-right: 0; }
td.name { width: 26%; } td.type { width: 15%; color: var(--faint); } td.status { width: 4em; font-weight: 600; }
.needed { color: var(--bad); font-size: .85em; white-space: nowrap; }
details { margin: 8px 0; } summary { cursor: pointer; font-weight: 600; }
@media (max-width: 860px) {
  .frame { display: block; padding: 16px 12px 48px; }
  nav { position: static; max-height: none; margin-bottom: 20px; }
  nav li a { padding: 5px 0; }
  section { padding: 14px 12px; }
  table, tbody, tr, td { display: block; width: auto; }
  thead { display: none; }
  tr { padding: 7px 0; border-bottom: 1px solid var(--rule); } tr:last-child { border-bottom: 0; }
  td, td.name, td.type, td.status { width: auto; padding: 1px 0; border: 0; }
  td[data-of]:not(:empty)::before { content: attr(data-of) ": "; color: var(--faint); font-size: .9em; font-weight: 400; }
}
`;
