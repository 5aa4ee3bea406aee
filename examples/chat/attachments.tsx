/** The files of a message: pictures are shown, others are there to be saved. */
import type { Message } from "parley/client";
import { type ReactElement, useState } from "react";
import { useFileReader, useFileUrl } from "./files.tsx";

type File = Message["attachments"][number];

/** What a browser shows without running anything of it. */
const pictures = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

export function Attachments({ files }: { readonly files: readonly File[] }): ReactElement | null {
  if (files.length === 0) return null;
  return (
    <ul className="files">
      {files.map((file) => (
        <li key={file.id}>{pictures.has(file.type) ? <Picture file={file} /> : <Download file={file} />}</li>
      ))}
    </ul>
  );
}

function Picture({ file }: { readonly file: File }): ReactElement {
  const url = useFileUrl(file.id);
  const { name, width = 320, height = 200 } = file;
  // Its place is there before it is, so that nothing jumps.
  const scale = Math.min(1, 280 / width, 240 / height);
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  return url === null ? (
    <svg className="picture" {...size} aria-hidden="true" />
  ) : (
    <img className="picture" src={url} alt={name} {...size} />
  );
}

function Download({ file }: { readonly file: File }): ReactElement {
  const read = useFileReader();
  const [error, setError] = useState("");
  const save = async (): Promise<void> => {
    const url = URL.createObjectURL(await read(file.id));
    const link = document.createElement("a");
    link.href = url;
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1_000);
  };
  return (
    <>
      <button
        type="button"
        className="download"
        onClick={() => void save().catch((reason: unknown) => setError(reason instanceof Error ? reason.message : ""))}
      >
        <bdi>{file.name}</bdi> <span className="fine">{sizeOf(file.size)}</span>
      </button>
      {error !== "" && (
        <span className="error" role="alert">
          {error}
        </span>
      )}
    </>
  );
}

function sizeOf(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  const kilobytes = bytes / 1_024;
  return kilobytes < 1_024 ? `${Math.ceil(kilobytes)} KB` : `${(kilobytes / 1_024).toFixed(1)} MB`;
}
