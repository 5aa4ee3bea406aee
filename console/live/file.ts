/** The bytes of a file. Its address alone opens nothing, so they are fetched with the key. */
import { problemOf } from "../problem.ts";
import { currentKey } from "../session.ts";

export async function fileOf(upload: string): Promise<Blob> {
  const headers = { Authorization: `Bearer ${currentKey() ?? ""}` };
  const response = await fetch(`/v1/uploads/${upload}/content`, { headers });
  if (!response.ok) throw await problemOf(response);
  return response.blob();
}
