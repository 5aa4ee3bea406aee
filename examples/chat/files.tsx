/** Files are read with the reader's token, by whoever is shown their message: an `<img>` cannot send it, so they are fetched. */
import { createContext, useContext, useEffect, useState } from "react";

export type GetToken = (options?: { readonly signal: AbortSignal }) => Promise<string>;

const TokenContext = createContext<GetToken | null>(null);

export const FileAccess = TokenContext.Provider;

/** Fetches a file. Throws when it is not to be had. */
export function useFileReader(): (id: string, signal?: AbortSignal) => Promise<Blob> {
  const getToken = useContext(TokenContext);
  return async (id, signal) => {
    if (getToken === null) throw new Error("No <FileAccess> above this component.");
    const headers = { Authorization: `Bearer ${await getToken()}` };
    const response = await fetch(`/v1/uploads/${id}/content`, { headers, signal: signal ?? null });
    if (!response.ok) throw new Error(`The file cannot be read: ${response.status}.`);
    return response.blob();
  };
}

/** An address of the file in this page, or null while there is none. It is given up with the component. */
export function useFileUrl(id: string): string | null {
  const [url, setUrl] = useState<string | null>(null);
  const getToken = useContext(TokenContext);
  const read = useFileReader();
  useEffect(() => {
    const ending = new AbortController();
    let made: string | null = null;
    read(id, ending.signal).then(
      (blob) => {
        if (ending.signal.aborted) return;
        made = URL.createObjectURL(blob);
        setUrl(made);
      },
      () => undefined,
    );
    return () => {
      ending.abort();
      if (made !== null) URL.revokeObjectURL(made);
    };
    // `read` is made of the token alone.
  }, [id, getToken]);
  return url;
}
