/**
 * In the bundle this is `@tokenizer/inflate`, by which file-type looks into archives. What they hold makes no image, sound or film of them, and here
 * nothing that strangers send is unpacked.
 */
export class ZipHandler {
  tokenizer;

  constructor(tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** There is no first file. */
  async readLocalFileHeader() {
    return null;
  }
}

export class GzipHandler {
  inflate() {
    return new ReadableStream({ start: (controller) => controller.close() });
  }
}
