/** The one style sheet of own pages: no font, picture or script is fetched for it, and it fits 320 px. */
import { customProperties, DARK, LIGHT } from "./palette.ts";

export const STYLE = `
:root{color-scheme:light dark;${customProperties(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${customProperties(DARK)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100svh;display:flex;flex-direction:column;align-items:center;
  padding:clamp(16px,8vh,88px) 16px 24px;background:var(--paper);color:var(--ink);
  font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Open Sans",sans-serif;overflow-wrap:break-word}
header,main,footer{width:100%;max-width:27rem}
header{display:flex;align-items:center;gap:10px;margin:0 0 14px;padding:0 4px;font-weight:600}
header svg{flex:none;width:28px;height:28px;color:var(--accent)}
main{background:var(--card);border:1px solid var(--line);border-radius:18px;padding:clamp(22px,6vw,34px);
  box-shadow:0 1px 2px rgb(0 0 0/.05),0 12px 32px rgb(0 0 0/.06)}
.trouble h1::before{content:"";display:block;width:44px;height:4px;border-radius:2px;background:var(--warning);
  margin:0 0 16px}
h1{font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 12px;text-wrap:balance}
h2{font-size:1rem;margin:0 0 4px}
p{margin:0 0 16px}
a{color:var(--accent)}
main>:last-child{margin-bottom:0}
.soft{color:var(--soft);font-size:.875rem}
.note{border-left:3px solid var(--accent);padding:2px 0 2px 14px;margin:0 0 20px;white-space:pre-line}
.actions{display:grid;grid-template-columns:minmax(0,1fr);gap:10px;margin:22px 0 16px;padding:0;list-style:none}
form{margin:0}
label{display:block;margin:0 0 6px;font-weight:600}
input[type=email]{width:100%;min-height:48px;padding:10px 14px;margin:0 0 10px;border:1px solid var(--edge);
  border-radius:10px;background:var(--card);color:inherit;font:inherit}
button,.button{display:flex;align-items:center;justify-content:center;gap:12px;width:100%;min-height:48px;
  padding:11px 18px;border:1px solid var(--edge);border-radius:10px;background:var(--card);color:var(--ink);
  font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
button:hover,.button:hover{border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.primary:hover{box-shadow:none;text-decoration:underline}
.row{justify-content:space-between;text-align:left;font-weight:400}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
dl{display:grid;grid-template-columns:minmax(5.5rem,auto) 1fr;gap:8px 18px;margin:0 0 20px}
dt{color:var(--soft)}dd{margin:0;font-weight:600}
dd,header span,button,.button,.button span,button span{min-width:0;overflow-wrap:anywhere}
time{font-weight:400;font-variant-numeric:tabular-nums}
@media (max-width:26rem){dl{display:block}dd{margin:0 0 10px}}
.wide>*{max-width:48rem}
.tabs{display:flex;flex-wrap:wrap;gap:6px 20px;margin:0 0 18px;font-weight:600}
.tabs a{padding:10px 0}
.list{list-style:none;padding:0;margin:0 0 16px}
.list li{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:2px 20px;padding:14px 0;border-top:1px solid var(--line)}
.list p{grid-column:1;margin:0;overflow-wrap:anywhere}
.list form{grid-column:2;grid-row:1/span 2;align-self:center}
.list .actions{display:flex;flex-wrap:wrap;grid-column:2;grid-row:1/span 2;align-self:center;margin:0}
.list button,.list .button{min-height:44px;padding:8px 18px}
.list .actions>*{width:auto}
.fingerprint{font-size:1.5rem;letter-spacing:.04em;margin:0 0 20px}
.token{overflow-wrap:anywhere;user-select:all}
@media (max-width:34rem){.list li{display:block}.list form,.list .actions{display:grid;margin:10px 0 0}.list .actions form{grid-area:auto;margin:0}}
hr{border:0;border-top:1px solid var(--line);margin:22px 0}
footer{margin:16px 0 0;padding:0 4px;color:var(--soft);font-size:.8125rem}
footer p{margin:0 0 4px}
.waiting{height:4px;border-radius:2px;background:var(--line);overflow:hidden;margin:0 0 18px}
.waiting::before{content:"";display:block;height:100%;width:40%;border-radius:2px;background:var(--accent)}
@media (prefers-reduced-motion:no-preference){.waiting::before{animation:pass 1.6s ease-in-out infinite}
  @keyframes pass{from{transform:translateX(-100%)}to{transform:translateX(250%)}}}
@media (forced-colors:active){.primary{border-width:3px}.waiting::before{background:CanvasText}}
`;
