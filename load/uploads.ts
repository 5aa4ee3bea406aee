/** A file of a gigabyte in parts, four at a time, and read back: what the server's memory does meanwhile, and how fast it goes. */
import { createHash, randomBytes } from "node:crypto";
import pLimit from "p-limit";
import { readFileSync } from "node:fs";
import { House, type Tenant } from "./house.ts";

/** `UPLOAD_MB=100` for a try. */
const size = Number(process.env["UPLOAD_MB"] ?? 1_000) * 1_000_000;
const atOnce = 4;

interface Way {
  readonly upload: string;
  readonly parts: { readonly url: string; readonly partBytes: number; readonly count: number };
  readonly complete: { readonly url: string };
}

export async function uploads(): Promise<string> {
  const house = await House.open();
  try {
    const limits = { uploadBytes: size, uploadBytesPerDay: 2 * size };
    const tenant = await house.newTenant("films", limits);
    const before = memoryOf(house);
    const sent = await timed(() => send(tenant));
    const during = memoryOf(house);
    const read = await timed(() => digestOf(tenant, sent.made.id));
    const after = memoryOf(house);
    if (read.made !== sent.made.digest) throw new Error("what is read is not what was sent");
    return [
      `${size / 1e6} MB sent at ${rate(sent.seconds)} and read, the same, at ${rate(read.seconds)}`,
      ...Object.keys(before).map((name) => `${name}: ${told(name, before, during, after)}`),
    ].join("; ");
  } finally {
    await house.close();
  }
}

/** The same part again and again, with its number before it. */
async function send(tenant: Tenant): Promise<{ id: string; digest: string }> {
  const file = { name: "film.bin", type: "application/octet-stream", size };
  const { upload, parts, complete } = (await (await tenant.ask("/v1/rooms/cinema/uploads", file)).json()) as Way;
  const filling = randomBytes(parts.partBytes);
  const part = (number: number): Uint8Array<ArrayBuffer> => {
    const bytes = new Uint8Array(filling.subarray(0, Math.min(parts.partBytes, size - (number - 1) * parts.partBytes)));
    bytes.set(new TextEncoder().encode(String(number)));
    return bytes;
  };
  const turns = pLimit(atOnce);
  const numbers = Array.from({ length: parts.count }, (_, index) => index + 1);
  const put = (number: number): Promise<unknown> =>
    tenant.ask(parts.url.replace("{part}", String(number)), part(number), "PUT");
  await Promise.all(numbers.map((number) => turns(() => put(number))));
  await tenant.ask(complete.url);
  const digest = createHash("sha256");
  for (const number of numbers) digest.update(part(number));
  return { id: upload, digest: digest.digest("hex") };
}

async function digestOf(tenant: Tenant, id: string): Promise<string> {
  const digest = createHash("sha256");
  const response = await tenant.ask(`/v1/uploads/${id}/content`, undefined, "GET");
  if (response.body === null) throw new Error("the file is empty");
  for await (const chunk of response.body) digest.update(chunk);
  return digest.digest("hex");
}

async function timed<Made>(work: () => Promise<Made>): Promise<{ made: Made; seconds: number }> {
  const sinceMs = performance.now();
  const made = await work();
  return { made, seconds: (performance.now() - sinceMs) / 1_000 };
}

function rate(seconds: number): string {
  return `${Math.round(size / 1e6 / seconds)} MB/s`;
}

type Memory = Readonly<Record<string, { readonly nowMb: number; readonly mostMb: number }>>;

/** Of workerd, and of the launcher in Node: resident, and the most that it ever was. */
function memoryOf(house: House): Memory {
  const of = (pid: number): Memory[string] => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const megabytes = (field: string): number =>
      Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1_024);
    return { nowMb: megabytes("VmRSS"), mostMb: megabytes("VmHWM") };
  };
  const { workerd, node } = house.processes;
  return { workerd: of(workerd), node: of(node) };
}

function told(name: string, ...readings: readonly Memory[]): string {
  const [before, sent, read] = readings.map((reading) => reading[name]);
  return `${before?.nowMb} MB before, ${sent?.mostMb} at most while sending, ${read?.mostMb} with reading, ${read?.nowMb} after`;
}
