"""The style sheet of the evaluation page: one string, light and dark, nothing loaded from anywhere."""

STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #fff; --ink: #1d2430; --soft: #5c6675; --line: #dfe2e6;
  --c1: #1f5fa8; --c2: #b3541e; --c3: #2c7a5b; --mark: #10325c; --bad: #a3241f; --good: #1d6b45; --tint: #eef3f9; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161c; --card: #1a2029; --ink: #e6eaf0; --soft: #9aa6b5;
  --line: #303947; --c1: #6aa7ea; --c2: #e59a66; --c3: #67c19b; --mark: #cfe2fa; --bad: #f28b82; --good: #7fd6a8;
  --tint: #202a38; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
p, li { max-width: 46rem; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
code { font-size: .85em; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .75rem;
  margin: 1.75rem 0 0; padding: 0; }
.tile, figure, details, .scroll { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.tile { padding: .9rem 1rem; list-style: none; }
.tile b { display: block; font-size: 1.65rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { display: block; font-size: .85rem; color: var(--soft); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
figure { margin: 0; padding: 1rem 1.1rem; }
figure svg { width: 100%; height: auto; display: block; }
blockquote.gold { border-color: var(--good); }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg .axis { fill: var(--ink); font-size: 12px; }
.grid { stroke: var(--line); stroke-width: 1; }
.rule { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 5 4; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.line.c1 { stroke: var(--c1); } .line.c2 { stroke: var(--c2); } .line.c3 { stroke: var(--c3); }
.d2 { stroke-dasharray: 7 4; } .d3 { stroke-dasharray: 2 3; }
.bar { fill-opacity: .55; } .bar.c1 { fill: var(--c1); } .bar.c2 { fill: var(--c2); } .bar.c3 { fill: var(--c3); }
.mark { fill: var(--mark); stroke: var(--card); stroke-width: 1.5; }
.whisker { stroke: var(--mark); stroke-width: 2; }
.interval { width: 7.5rem; height: .9rem; vertical-align: middle; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th, td { text-align: left; padding: .38rem .8rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: .82rem; }
tbody.group th[colspan] { background: var(--tint); font-size: .85rem; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tbody th { font-weight: 400; }
td.ok { background: var(--tint); font-weight: 600; }
.worse, .bad { color: var(--bad); font-weight: 600; } .better, .good { color: var(--good); font-weight: 600; }
.alert { border-left: 4px solid var(--bad); padding: .6rem 1rem; background: var(--card); }
details { margin: .4rem 0; padding: .55rem .9rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
blockquote { margin: .5rem 0; padding-left: .9rem; border-left: 3px solid var(--line); overflow-wrap: anywhere; }
"""
