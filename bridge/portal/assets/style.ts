/**
 * The one style sheet: the fonts of whoever looks, light and dark as their device has it, one column on a phone. Every colour of a text has
 * 4.5:1 on what is behind it, that of an edge of a field 3:1 (WCAG 2.2 AA); nothing is said by colour alone.
 */
export const STYLE = `
:root { color-scheme: light dark;
  --page: #f4f6f8; --card: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d5dae0; --edge: #6e7781;
  --accent: #0a58a6; --accent-hover: #084780; --on-accent: #fff; --tint: #e8f1fb;
  --good: #14632f; --good-tint: #e6f4ea; --wait: #7a4b00; --wait-tint: #fdf2dc; --bad: #a8201a; --bad-tint: #fdeceb; --off: #57606a; --off-tint: #eceff2; }
@media (prefers-color-scheme: dark) { :root {
  --page: #13171c; --card: #1c2128; --text: #e6eaef; --quiet: #a5afba; --line: #343c46; --edge: #8b96a3;
  --accent: #82b8f2; --accent-hover: #a8cef7; --on-accent: #0c2138; --tint: #1f3247;
  --good: #7fd69a; --good-tint: #17301f; --wait: #f0bf6a; --wait-tint: #362a13; --bad: #ff9d96; --bad-tint: #3c1d1c; --off: #a5afba; --off-tint: #2a313a; } }
* { box-sizing: border-box; }
html { font: 106.25%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif; }
body { margin: 0; background: var(--page); color: var(--text); overflow-wrap: break-word; }
a { color: var(--accent); text-underline-offset: .15em; }
a:hover { color: var(--accent-hover); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
h1, h2, h3 { line-height: 1.25; margin: 0 0 .6rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; } h3 { font-size: 1rem; }
p { margin: 0 0 .8rem; max-width: 75ch; }
.skip { position: absolute; left: -99rem; background: var(--card); padding: .6rem 1rem; z-index: 9; }
.skip:focus { left: .5rem; top: .5rem; }
.top { background: var(--card); border-bottom: 1px solid var(--line); }
.bar, main, footer { max-width: 78rem; margin: 0 auto; padding: 0 1.25rem; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1.25rem; min-height: 3.6rem; padding-block: .4rem; }
.bar .name { font-weight: 650; color: var(--text); text-decoration: none; margin-right: auto; }
.bar form { margin: 0; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem; margin: 0; padding: 0; }
nav a { display: block; padding: .4rem .7rem; border-radius: .4rem; text-decoration: none; color: var(--text); }
nav a:hover { background: var(--off-tint); color: var(--text); }
nav a[aria-current] { background: var(--tint); color: var(--accent); font-weight: 600; }
.who { color: var(--quiet); font-size: .9rem; }
main { padding-block: 1.75rem 3rem; }
.crumb { margin-bottom: .5rem; font-size: .95rem; }
.lead { color: var(--quiet); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1.25rem; margin: 0 0 1.25rem; }
.card > :last-child { margin-bottom: 0; }
.head { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin-bottom: .8rem; }
.head > :first-child { margin: 0 auto 0 0; }
.tools { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
.tools form { margin: 0; }
.button { display: inline-block; font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; min-height: 2.5rem; padding: .45rem 1rem;
  border: 1px solid var(--accent); border-radius: .4rem; background: var(--accent); color: var(--on-accent); }
.button:hover { background: var(--accent-hover); border-color: var(--accent-hover); color: var(--on-accent); }
.button.plain { background: transparent; color: var(--accent); border-color: var(--edge); }
.button.plain:hover { background: var(--tint); color: var(--accent); }
.button.danger { background: transparent; color: var(--bad); border-color: var(--bad); }
.button.danger:hover { background: var(--bad-tint); color: var(--bad); }
.button.small { min-height: 2.3rem; padding: .3rem .7rem; font-size: .92rem; white-space: nowrap; }
.button[disabled], .button[aria-disabled=true] { background: var(--off-tint); color: var(--off); border-color: var(--line); cursor: not-allowed; }
.link { font: inherit; border: 0; background: none; color: var(--accent); text-decoration: underline; cursor: pointer; padding: .4rem .2rem; }
table + *, table + dl.facts, dl + h3 { margin-top: 1.25rem; }
table { width: 100%; border-collapse: collapse; font-size: .95rem; }
th, td { text-align: left; vertical-align: top; padding: .65rem .5rem; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--quiet); font-size: .9rem; }
.whole { white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
tbody th { color: var(--text); font-size: inherit; font-variant-numeric: tabular-nums; }
.state { display: inline-block; padding: .1rem .55rem; border-radius: 1rem; font-weight: 600; font-size: .92rem; background: var(--off-tint); color: var(--off); overflow-wrap: normal; }
.state.good { background: var(--good-tint); color: var(--good); }
.state.wait { background: var(--wait-tint); color: var(--wait); }
.state.bad { background: var(--bad-tint); color: var(--bad); }
.why { display: block; color: var(--quiet); font-size: .92rem; margin-top: .2rem; }
.note { border-left: 4px solid var(--accent); background: var(--tint); border-radius: .3rem; padding: .75rem 1rem; margin: 0 0 1.25rem; }
.note > :last-child, [data-lost]:empty { margin-bottom: 0; }
.note ul { margin: 0; padding-left: 1.2rem; } .note.bad li a { color: var(--bad); font-weight: 600; }
[data-first]:focus { outline: 3px solid var(--bad); outline-offset: 2px; }
.note.good { border-color: var(--good); background: var(--good-tint); }
.note.wait { border-color: var(--wait); background: var(--wait-tint); }
.note.bad { border-color: var(--bad); background: var(--bad-tint); }
.note.bad strong, .fault { color: var(--bad); }
.fault { font-weight: 600; margin: .25rem 0 0; }
.field { margin: 0 0 1rem; max-width: 26rem; }
.field label, legend { display: block; padding: 0; font-weight: 600; margin-bottom: .25rem; }
.hint { color: var(--quiet); font-size: .9rem; margin: .2rem 0 0; }
input[type=text], input[type=email], input[type=date], input[type=search], select { font: inherit; width: 100%; min-height: 2.6rem; padding: .4rem .6rem; color: var(--text);
  background: var(--card); border: 1px solid var(--edge); border-radius: .35rem; }
input[aria-invalid=true] { border: 2px solid var(--bad); }
.hint + .pair { margin-top: .75rem; } .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0 1.25rem; max-width: 54rem; }
.pair .field { max-width: none; } .pair:has(.card) { max-width: none; }
fieldset { border: 0; margin: 0 0 1rem; padding: 0; min-width: 0; }
.check { display: flex; gap: .6rem; align-items: flex-start; margin: 0 0 .8rem; }
.check input { width: 1.35rem; height: 1.35rem; flex: none; margin: .1rem 0 0; accent-color: var(--accent); }
.check label { font-weight: 400; }
blockquote { margin: 0 0 1rem; padding: .2rem 0 .2rem 1rem; border-left: 4px solid var(--edge); max-width: 75ch; }
dl.facts { display: grid; grid-template-columns: minmax(9rem, max-content) minmax(0, 1fr); gap: .4rem 1.25rem; margin: 0 0 1rem; }
.facts dt { color: var(--quiet); } .facts dd { margin: 0; font-weight: 550; } .facts dd.said { font-weight: 400; }
.list { list-style: none; padding: 0; margin: 0; }
.list li { border-bottom: 1px solid var(--line); padding: .7rem 0; display: flex; flex-wrap: wrap; gap: .3rem 1rem; align-items: baseline; }
.list li:last-child { border: 0; } .list a { font-weight: 600; margin-right: auto; }
dialog { border: 1px solid var(--line); border-radius: .7rem; background: var(--card); color: var(--text); padding: 0; width: min(32rem, calc(100vw - 2rem)); }
dialog::backdrop { background: rgb(10 15 20 / .55); }
dialog .inside { padding: 1.25rem; }
dialog .cross { font: inherit; font-size: 1.3rem; line-height: 1; width: 2.4rem; height: 2.4rem; border: 0; border-radius: .35rem; background: none; color: var(--text); cursor: pointer; }
dialog .cross:hover { background: var(--off-tint); }
footer { color: var(--quiet); font-size: .9rem; padding-block: 0 2rem; }
footer a { margin-right: 1.25rem; }
@media (max-width: 62rem) {
  main { padding-block: 1.1rem 2rem; } .bar, main, footer { padding-inline: .9rem; } .card { padding: 1rem; }
  .cards, .cards tbody, .cards tr, .cards td, .cards tbody th { display: block; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tr { border-bottom: 1px solid var(--line); padding: .8rem 0; } .cards tr:last-child { border: 0; }
  .cards td, .cards tbody th { border: 0; padding: .12rem 0; display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: .5rem; }
  .cards td::before, .cards tbody th::before { content: attr(data-label); color: var(--quiet); font-weight: 400; font-size: .9rem; }
  .cards td:empty, .cards td:has(> bdi:only-child:empty) { display: none; }
  .cards td.acts { display: block; padding-top: .6rem; } .cards td.acts::before { display: none; }
  dl.facts { grid-template-columns: minmax(0, 1fr); gap: 0; } .facts dd { margin-bottom: .6rem; }
}
@media (prefers-reduced-motion: no-preference) { .busy::after { content: ""; display: inline-block; width: .8em; height: .8em; margin-left: .5em; border: 2px solid currentColor;
  border-right-color: transparent; border-radius: 50%; animation: turn 1s linear infinite; vertical-align: -.08em; } @keyframes turn { to { transform: rotate(1turn); } } }
@media print { .top, footer, .tools, dialog { display: none; } }
`;
