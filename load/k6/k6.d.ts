/** Of k6's modules what is used here. They exist in k6 alone. */

declare const __ENV: Readonly<Record<string, string | undefined>>;
declare function setTimeout(call: () => void, ms: number): number;
declare const console: { readonly error: (text: string) => void; readonly warn: (text: string) => void };
declare function clearTimeout(timer: number): void;

declare module "k6" {
  export function check(value: null, promises: Readonly<Record<string, () => boolean>>): boolean;
}

declare module "k6/execution" {
  const execution: { readonly scenario: { readonly startTime: number; readonly iterationInTest: number } };
  export default execution;
}

declare module "k6/metrics" {
  export class Counter {
    constructor(name: string);
    add(value: number): void;
  }
  export class Trend {
    constructor(name: string, isTime: boolean);
    add(value: number): void;
  }
}

declare module "k6/http" {
  interface Response {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | null;
  }
  const http: {
    asyncRequest: (
      method: string,
      url: string,
      body: string | null,
      options: { headers: Record<string, string>; timeout: string; tags: Record<string, string> },
    ) => Promise<Response>;
    setResponseCallback: (callback: unknown) => void;
    expectedStatuses: (statuses: { min: number; max: number }) => unknown;
  };
  export default http;
}

declare module "k6/websockets" {
  export class WebSocket {
    constructor(url: string, protocols: readonly string[]);
    addEventListener(event: "open" | "close" | "error", listener: () => unknown): void;
    addEventListener(event: "message", listener: (event: { readonly data: string }) => unknown): void;
    send(text: string): void;
    close(): void;
  }
}
