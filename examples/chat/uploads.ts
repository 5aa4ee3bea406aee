/** Files on their way to the server: how far each is, and their ids when they are there. */
import type { Room } from "parley/client";
import { useEffect, useReducer, useRef } from "react";

export interface FileOnItsWay {
  readonly key: string;
  readonly name: string;
  readonly size: number;
  readonly sent: number;
  /** Its id, once it is there. */
  readonly upload: string | null;
  readonly error: string | null;
}

type Step =
  | { readonly type: "added"; readonly files: readonly FileOnItsWay[] }
  | { readonly type: "went on"; readonly key: string; readonly change: Partial<FileOnItsWay> }
  | { readonly type: "removed"; readonly key: string }
  | { readonly type: "cleared" };

function next(files: readonly FileOnItsWay[], step: Step): readonly FileOnItsWay[] {
  switch (step.type) {
    case "added":
      return [...files, ...step.files];
    case "went on":
      return files.map((file) => (file.key === step.key ? { ...file, ...step.change } : file));
    case "removed":
      return files.filter(({ key }) => key !== step.key);
    case "cleared":
      return [];
  }
}

export function useUploads(room: Room) {
  const [files, step] = useReducer(next, []);
  const endings = useRef(new Map<string, AbortController>());
  useEffect(() => {
    const running = endings.current;
    return () => {
      for (const ending of running.values()) ending.abort();
      running.clear();
    };
  }, [room]);

  const bring = async (key: string, file: File): Promise<void> => {
    const ending = new AbortController();
    endings.current.set(key, ending);
    const { signal } = ending;
    const change = (what: Partial<FileOnItsWay>): void => {
      if (!signal.aborted) step({ type: "went on", key, change: what });
    };
    try {
      const { id } = await room.upload(file, { signal, onProgress: ({ sent }) => change({ sent }) });
      change({ upload: id });
    } catch (error) {
      change({ error: error instanceof Error ? error.message : String(error) });
    } finally {
      endings.current.delete(key);
    }
  };

  return {
    files,
    ready: files.flatMap(({ upload }) => upload ?? []),
    isBusy: files.some(({ upload, error }) => upload === null && error === null),
    add: (chosen: readonly File[]): void => {
      const added = chosen.map((file) => ({ file, key: `${Math.random()}` }));
      const known = { sent: 0, upload: null, error: null };
      step({ type: "added", files: added.map(({ file: { name, size }, key }) => ({ ...known, key, name, size })) });
      for (const { key, file } of added) void bring(key, file);
    },
    remove: (key: string): void => {
      endings.current.get(key)?.abort();
      step({ type: "removed", key });
    },
    clear: (): void => step({ type: "cleared" }),
  };
}
