/** What a file is: by its first bytes alone, whatever it was called. */
import { fileTypeFromBuffer } from "file-type/core";
import { imageSize } from "image-size";
import { unknownType } from "../protocol/upload.ts";

export interface FileKind {
  readonly type: string;
  /** Pixels, as an image is shown. */
  readonly width?: number;
  readonly height?: number;
}

/**
 * Only what is recognised as an image, sound, film or PDF keeps its type: these a browser shows without running anything of
 * them. All else is bytes: HTML and SVG, which nobody recognises by their first bytes, are among them.
 */
export async function fileKindOf(head: Uint8Array): Promise<FileKind> {
  const type = await typeOf(head);
  return { type, ...(type.startsWith("image/") ? extentOf(head) : {}) };
}

/** Whether a browser may show it in place. */
export function isShown(type: string): boolean {
  return /^(image|audio|video)\//.test(type) ? !type.includes("xml") : type === "application/pdf";
}

async function typeOf(head: Uint8Array): Promise<string> {
  try {
    const found = await fileTypeFromBuffer(head);
    return found !== undefined && isShown(found.mime) ? found.mime : unknownType;
  } catch {
    // What is cut off or made to confuse is nothing that is known.
    return unknownType;
  }
}

function extentOf(head: Uint8Array): Pick<FileKind, "width" | "height"> {
  try {
    const { width, height, orientation = 1 } = imageSize(head);
    if (!(width >= 1 && height >= 1)) return {};
    // From 5 on the picture lies on its side.
    return orientation >= 5 ? { width: height, height: width } : { width, height };
  } catch {
    return {};
  }
}
