import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

/**
 * Files that came with a message. They lie in the data folder from before the message is accepted until its fate is
 * final, so that each try of the call sends them from there.
 */
export interface Uploads {
  /**
   * Takes a file in; durable when it resolves. `bytesMax` is what may still come. Throws body_too_large, and outbox_full
   * where limits.uploadsHeldBytesMax would be passed, quota_exceeded where the key's share would; nothing is kept then.
   */
  receive(part: IncomingPart, bytesMax: number, keyId: string): Promise<Upload>;
  /** They belong to a message that is being accepted. In the unit of work that accepts it. */
  keep(messageId: string, uploads: readonly Upload[]): void;
  /** Deletes them. Never rejects: what could not be deleted is found at the next start. */
  discard(uploads: readonly Upload[]): Promise<void>;
  /** Deletes the files of a message whose row is gone. Never rejects, as `discard`. */
  forget(messageId: string, uploads: readonly Upload[]): Promise<void>;
  /** Where a file is, for whoever sends it. */
  pathOf(upload: Upload): string;
}

/** A file as a form brings it. */
export interface IncomingPart {
  readonly part: string;
  readonly name: string;
  readonly type: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

const UploadSchema = Type.Object({
  part: Type.String({ description: "The form part's name: attach:// and it refer to the file" }),
  name: Type.String(),
  type: Type.String({ description: 'MIME type, as told' }),
  size: Type.Integer(),
  sha256: Type.String(),
  stored: Type.String({ description: 'Its name in the folder of uploads' }),
});
const Stored = Compile(Type.Array(UploadSchema));
export type Upload = Type.Static<typeof UploadSchema>;

/** The files of a message's row. Throws where the row is damaged. */
export function uploadsOf(files: string | null): readonly Upload[] {
  if (files === null) return [];
  const value: unknown = JSON.parse(files);
  if (!Stored.Check(value)) throw new TypeError('messages.files holds no list of files: the row is damaged');
  return value;
}
