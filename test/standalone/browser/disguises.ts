/** Files that are not what they say. Whoever runs one of them marks the page that it runs in, and calls home. */

export interface Disguise {
  readonly name: string;
  /** What its uploader says. */
  readonly said: string;
  readonly bytes: Buffer;
  /** As what it would run, if somebody believed it. */
  readonly truly: "text/html" | "image/svg+xml" | "text/javascript";
}

const home = "/called-home";
const script = `try { document.title = "marked"; } catch {} fetch("${home}"); globalThis.marked = true; try { top.marked = true; } catch {}`;
const html = `<!doctype html><title>page</title><body><script>${script}</script><img src="${home}">`;
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="${script.replaceAll('"', "'")}"><script>${script.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</script></svg>`;
/** The header of a GIF whose width and height are the beginning of a comment. */
const gifOrScript = `GIF89a/*\0\0\0\0\0*/=1;${script}`;
const png = Buffer.from("89504e470d0a1a0a0000000d4948445200000003000000020802000000", "hex");

export const disguises: readonly Disguise[] = [
  { name: "x.png", said: "image/png", bytes: Buffer.from(html), truly: "text/html" },
  { name: "page.html", said: "text/html", bytes: Buffer.from(html), truly: "text/html" },
  { name: "drawing.png", said: "image/png", bytes: Buffer.from(svg), truly: "image/svg+xml" },
  { name: "drawing.svg", said: "image/svg+xml", bytes: Buffer.from(svg), truly: "image/svg+xml" },
  { name: "code.png", said: "image/png", bytes: Buffer.from(script), truly: "text/javascript" },
  { name: "polyglot.gif", said: "image/gif", bytes: Buffer.from(gifOrScript, "latin1"), truly: "text/javascript" },
  { name: "header.png", said: "image/png", bytes: Buffer.concat([png, Buffer.from(html)]), truly: "text/html" },
];

/** A page that has these addresses rendered or run in every way that there is. */
export function pageWith(addresses: readonly string[]): string {
  const tags = addresses.map(
    (address) => `
<img src="${address}"><iframe src="${address}"></iframe><object data="${address}"></object><embed src="${address}">
<script src="${address}"></script><script type="module" src="${address}"></script>
<link rel="stylesheet" href="${address}"><video src="${address}"></video>
<svg><image href="${address}"/><use href="${address}#x"/></svg>`,
  );
  return `<!doctype html><title>untouched</title><body>${tags.join("")}
<script>
  const work = (address) => new Promise((resolve, reject) => {
    const worker = new Worker(address);
    worker.onmessage = resolve;
    worker.onerror = reject;
  });
  const ways = [(address) => import(address), (address) => navigator.serviceWorker.register(address), work];
  const tries = ${JSON.stringify(addresses)}.flatMap((address) => ways.map((way) => way(address)));
  globalThis.succeeded = Promise.allSettled(tries).then((all) => all.filter(({ status }) => status === "fulfilled").length);
</script>`;
}

export const calledHome = home;
